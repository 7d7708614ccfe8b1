"""Bring a chart into the cluster as a new release (specs/helm.md 11, 20.2)."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.helm.actions.adoption import require_ours
from controllers.helm.actions.apply import Applier
from controllers.helm.actions.apply_one import WriteOptions
from controllers.helm.actions.errors import ActionFailed, ObjectsFailed
from controllers.helm.actions.journal import Journal, failing_unstored
from controllers.helm.actions.objects import Placed
from controllers.helm.actions.prepare import Revision, recorded_hooks, rendered, targets
from controllers.helm.actions.requests import Install
from controllers.helm.actions.toolbox import FIELD_MANAGER, Tools
from controllers.helm.actions.wait import until_ready
from controllers.helm.release.record import ApplyMethod, HookEvent, Info, Release, Status
from controllers.helm.release.storage import Head
from shared.charts.rendered import Rendered
from shared.kube.errors import Conflict
from shared.model.kinds import Resource

_NAMESPACES = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
_REPLACEABLE = (Status.UNINSTALLED, Status.FAILED)


async def install(tools: Tools, request: Install) -> Release:
    """The deployed release. Raises ActionFailed; its `release` is None when nothing was stored."""
    with failing_unstored():
        last = await _require_free_name(tools, request)
        result = await rendered(tools, request.content, Revision(1, is_upgrade=False), request.wait)
        namespace = request.content.render.namespace
        objects = await targets(tools, result.manifest, namespace, "release manifest")
        await _require_adoptable(tools, request, objects)
        await _create_namespace(tools, request)
        release = _new_release(tools, request, result, last.version + 1 if last else 1)
        await _supersede(tools, last)
        await tools.storage.create(release)
    return await _Course(tools, request, Journal(tools, release)).run(objects)


@dataclass(frozen=True, slots=True)
class _Course:
    """An install whose record is stored."""

    tools: Tools
    request: Install
    journal: Journal

    async def run(self, objects: list[Placed]) -> Release:
        journal, request = self.journal, self.request
        async with journal.kept(lambda problem: f'Release "{self.tools.storage.name}" failed: {problem}'):
            if request.hooks:
                await journal.run_hooks(HookEvent.PRE_INSTALL, request.wait, "failed pre-install")
            await self._apply(objects)
            await until_ready(self.tools, objects, request.wait)
            if request.hooks:
                await journal.run_hooks(HookEvent.POST_INSTALL, request.wait, "failed post-install")
            await journal.write(journal.release.as_status(Status.DEPLOYED, "Install complete"))
        return journal.release

    async def _apply(self, objects: list[Placed]) -> None:
        self.tools.on_stage(f"creating {len(objects)} resource(s)")
        server_side = self.request.server_side
        options = WriteOptions(server_side, look_first=not server_side, validate=self.request.validate)
        await Applier(self.tools, options).apply(objects, {})


async def _require_free_name(tools: Tools, request: Install) -> Head | None:
    """The last revision, if the name had one that may be replaced. Raises ActionFailed."""
    heads = await tools.storage.history()
    if not heads:
        return None
    if request.replace and heads[-1].status in _REPLACEABLE:
        return heads[-1]
    raise ActionFailed("cannot reuse a name that is still in use")


async def _require_adoptable(tools: Tools, request: Install, objects: list[Placed]) -> None:
    if request.take_ownership:
        return
    try:
        await require_ours(tools, objects, tools.storage.name, request.content.render.namespace)
    except ObjectsFailed as error:
        raise ObjectsFailed(f"unable to continue with install: {error}") from error


async def _create_namespace(tools: Tools, request: Install) -> None:
    if not request.create_namespace:
        return
    name = request.content.render.namespace
    metadata = {"name": name, "labels": {"name": name}}
    try:
        await tools.client.create(
            _NAMESPACES,
            {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
            field_manager=FIELD_MANAGER,
        )
    except Conflict:
        return  # it is there


async def _supersede(tools: Tools, last: Head | None) -> None:
    """A failed revision stays failed; an uninstalled one gives way to its successor."""
    if last is None or last.status is Status.FAILED:
        return
    before = await tools.storage.get(last.version)
    if before is not None:
        await tools.storage.update(before.as_status(Status.SUPERSEDED, "superseded by new release"))


def _new_release(tools: Tools, request: Install, result: Rendered, version: int) -> Release:
    now = tools.now()
    return Release(
        name=tools.storage.name,
        namespace=request.content.render.namespace,
        version=version,
        info=Info(
            Status.PENDING_INSTALL,
            "Initial install underway",
            first_deployed=now,
            last_deployed=now,
            notes=result.notes,
        ),
        chart=result.chart,
        config=result.config,
        manifest=result.manifest,
        hooks=recorded_hooks(result),
        apply_method=ApplyMethod.SERVER_SIDE if request.server_side else ApplyMethod.CLIENT_SIDE,
    )
