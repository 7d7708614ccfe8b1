"""Bring another chart or other values to a release (specs/helm.md 11, 20.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from controllers.helm.actions.adoption import require_ours
from controllers.helm.actions.apply import missing_from
from controllers.helm.actions.apply_one import WriteOptions
from controllers.helm.actions.errors import ActionFailed, NothingInstalled, ObjectsFailed
from controllers.helm.actions.journal import Journal, failing_unstored
from controllers.helm.actions.objects import Placed
from controllers.helm.actions.prepare import Revision, recorded_hooks, rendered, targets
from controllers.helm.actions.requests import Upgrade
from controllers.helm.actions.toolbox import Tools
from controllers.helm.actions.transition import (
    Transition,
    apply_method,
    is_server_side,
    recorded_objects,
    supersede_deployed,
)
from controllers.helm.release.record import HookEvent, Info, Release, Status
from shared.charts.rendered import Rendered


async def upgrade(tools: Tools, request: Upgrade) -> Release:
    """The new revision, deployed. Raises ActionFailed; its `release` is None when nothing was stored."""
    with failing_unstored():
        history = await _history(tools)
        number = history.last.version + 1
        values = _reused(request, history.base)
        revision = Revision(number, is_upgrade=True, values=values)
        result = await rendered(tools, request.content, revision, request.wait)
        if values is not None:
            result = replace(result, config=_over(history.base.config, request.content.render.values))
        before = await recorded_objects(tools, history.base)
        leftovers = await recorded_objects(tools, history.last) if history.has_leftovers else []
        after = await targets(tools, result.manifest, history.base.namespace, "new release manifest")
        await _require_adoptable(tools, request, before, after)
        release = _new_release(tools, request, result, history)
        await tools.storage.create(release, max_history=request.max_history)
    options = WriteOptions(
        release.is_server_side,
        replace=request.force and not release.is_server_side,
        validate=request.validate,
    )
    transition = Transition(
        tools, release.namespace, before, after, options, request.cleanup_on_fail, leftovers
    )
    return await _run(tools, request, Journal(tools, release), transition)


async def _run(tools: Tools, request: Upgrade, journal: Journal, transition: Transition) -> Release:
    async with journal.kept(lambda problem: f'Upgrade "{tools.storage.name}" failed: {problem}'):
        if request.hooks:
            await journal.run_hooks(HookEvent.PRE_UPGRADE, request.wait, "pre-upgrade hooks failed")
        await transition.run(request.wait)
        if request.hooks:
            await journal.run_hooks(HookEvent.POST_UPGRADE, request.wait, "post-upgrade hooks failed")
        await supersede_deployed(tools, journal.release.version)
        await journal.write(journal.release.as_status(Status.DEPLOYED, "Upgrade complete"))
    return journal.release


@dataclass(frozen=True, slots=True)
class _History:
    """`base` is what is in the cluster: the revision deployed last, or the last at all if none is."""

    last: Release
    base: Release

    @property
    def has_leftovers(self) -> bool:
        """The last revision failed half way over the base."""
        return self.last.version != self.base.version


async def _history(tools: Tools) -> _History:
    name = tools.storage.name
    heads = await tools.storage.history()
    last = await tools.storage.get(heads[-1].version) if heads else None
    if last is None:
        raise NothingInstalled(f'"{name}" has no deployed releases')
    if last.status.is_pending:
        raise ActionFailed("another operation (install/upgrade/rollback) is in progress")
    if last.status is Status.DEPLOYED:
        return _History(last, last)
    deployed = [head.version for head in heads if head.status is Status.DEPLOYED]
    base = await tools.storage.get(deployed[-1]) if deployed else None
    if base is None and last.status in (Status.FAILED, Status.SUPERSEDED):
        base = last
    if base is None:
        raise ActionFailed(f'"{name}" has no deployed releases')
    return _History(last, base)


def _reused(request: Upgrade, base: Release) -> dict[str, Any] | None:
    """All values to render with under `preserveValues`: the old chart's, the old ones, the new ones.

    The new chart's defaults lie below; Helm leaves them out, and charts fail for want of them.
    """
    if not request.preserve_values:
        return None
    defaults = base.chart.get("values")
    return _over(
        defaults if isinstance(defaults, dict) else {},
        _over(base.config, request.content.render.values),
    )


def _over(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Maps merge; a null takes the old value away."""
    result = dict(old)
    for key, value in new.items():
        below = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(below, dict):
            result[key] = _over(below, value)
        else:
            result[key] = value
    return result


async def _require_adoptable(
    tools: Tools, request: Upgrade, before: list[Placed], after: list[Placed]
) -> None:
    if request.take_ownership:
        return
    new = missing_from(after, before)
    try:
        await require_ours(tools, new, tools.storage.name, request.content.render.namespace)
    except ObjectsFailed as error:
        raise ObjectsFailed(f"unable to continue with update: {error}") from error


def _new_release(tools: Tools, request: Upgrade, result: Rendered, history: _History) -> Release:
    server_side = is_server_side(request.server_side, history.last)
    return Release(
        name=tools.storage.name,
        namespace=history.base.namespace,
        version=history.last.version + 1,
        info=Info(
            Status.PENDING_UPGRADE,
            "Preparing upgrade",
            first_deployed=history.base.info.first_deployed,
            last_deployed=tools.now(),
            notes=result.notes,
        ),
        chart=result.chart,
        config=result.config,
        manifest=result.manifest,
        hooks=recorded_hooks(result),
        apply_method=apply_method(server_side=server_side),
        labels=history.last.labels,
    )
