"""Bring an earlier revision of a release back, as a new one (specs/helm.md 11, 20.2)."""

from __future__ import annotations

from dataclasses import replace

from controllers.helm.actions.apply_one import WriteOptions
from controllers.helm.actions.errors import ActionFailed, NothingInstalled
from controllers.helm.actions.journal import Journal, failing_unstored
from controllers.helm.actions.prepare import targets
from controllers.helm.actions.requests import Rollback
from controllers.helm.actions.toolbox import Tools
from controllers.helm.actions.transition import (
    Transition,
    apply_method,
    is_server_side,
    recorded_objects,
    supersede_deployed,
)
from controllers.helm.release.record import HookEvent, HookRun, Info, Release, Status


async def rollback(tools: Tools, request: Rollback) -> Release:
    """The new revision, deployed. Raises ActionFailed; its `release` is None when nothing was stored."""
    with failing_unstored():
        last = await tools.storage.last()
        if last is None:
            raise NothingInstalled(f'release "{tools.storage.name}" was not found')
        target = await tools.storage.get(request.to)
        if target is None:
            raise ActionFailed(f"release has no {request.to} version")
        before = await recorded_objects(tools, last)
        release = _new_release(tools, request, last, target)
        after = await targets(tools, release.manifest, release.namespace, "new release manifest")
        await tools.storage.create(release, max_history=request.max_history)
    options = WriteOptions(
        release.is_server_side, replace=request.force and not release.is_server_side, validate=False
    )
    transition = Transition(tools, release.namespace, before, after, options, request.cleanup_on_fail)
    return await _run(tools, request, Journal(tools, release), transition)


async def _run(tools: Tools, request: Rollback, journal: Journal, transition: Transition) -> Release:
    async with journal.kept(lambda problem: f'Rollback "{tools.storage.name}" failed: {problem}'):
        if request.hooks:
            await journal.run_hooks(HookEvent.PRE_ROLLBACK, request.wait, "pre-rollback hooks failed")
        await transition.run(request.wait)
        if request.hooks:
            await journal.run_hooks(HookEvent.POST_ROLLBACK, request.wait, "post-rollback hooks failed")
        await supersede_deployed(tools, journal.release.version)
        await journal.write(journal.release.as_status(Status.DEPLOYED))
    return journal.release


def _new_release(tools: Tools, request: Rollback, last: Release, target: Release) -> Release:
    server_side = is_server_side(request.server_side, target)
    return replace(
        target,
        namespace=last.namespace,
        version=last.version + 1,
        info=Info(
            Status.PENDING_ROLLBACK,
            f"Rollback to {request.to}",
            first_deployed=last.info.first_deployed,
            last_deployed=tools.now(),
            notes=target.info.notes,
        ),
        hooks=tuple(replace(hook, last_run=HookRun()) for hook in target.hooks),
        apply_method=apply_method(server_side=server_side),
    )
