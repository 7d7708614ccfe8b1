"""Run the hooks of an event: one after the other by weight, each to its end (specs/helm.md 20.2).

The record says which hook runs before it is created, so that nothing is run in secret.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from controllers.helm.actions.apply import Applier, delete
from controllers.helm.actions.apply_one import WriteOptions
from controllers.helm.actions.errors import ObjectsFailed, WaitFailed
from controllers.helm.actions.hook_trouble import explain
from controllers.helm.actions.objects import ManifestUnusable, Placed, objects_of, place, place_recorded
from controllers.helm.actions.requests import Wait
from controllers.helm.actions.toolbox import Tools
from controllers.helm.actions.wait import until_finished, until_gone
from controllers.helm.release.record import Hook, HookEvent, HookPhase, HookRun, Release
from shared.kube.errors import KubeError

_BEFORE_CREATION = "before-hook-creation"
_SUCCEEDED = "hook-succeeded"
_FAILED = "hook-failed"
_NEVER_DELETED = "CustomResourceDefinition"


class HookFailed(Exception):
    """Names the event, the hook, and what its Job or Pod says. `release` carries its result."""

    def __init__(self, message: str, release: Release) -> None:
        super().__init__(message)
        self.release = release


@dataclass(frozen=True, slots=True)
class Execution:
    """How hooks are run. `record` stores the release after each step."""

    tools: Tools
    wait: Wait
    server_side: bool
    record: Callable[[Release], Awaitable[None]]

    async def run(
        self, release: Release, event: HookEvent, only: Callable[[Hook], bool] = lambda _hook: True
    ) -> Release:
        """Run all hooks of the event that `only` lets through. Returns the release with their results.

        Raises HookFailed at the first that does not succeed.
        """
        hooks = [hook for hook in in_running_order(release.hooks, event) if only(hook)]
        done: list[Hook] = []
        for hook in hooks:
            self.tools.on_stage(f"running {event} hook {hook.kind}/{hook.name}")
            release, problem = await self._run_one(release, event, hook)
            if problem:
                await self._clean([hook], _FAILED, release)
                await self._clean(done, _SUCCEEDED, release)
                raise HookFailed(problem, release)
            done.append(hook)
        await self._clean(reversed(done), _SUCCEEDED, release)
        return release

    async def _run_one(self, release: Release, event: HookEvent, hook: Hook) -> tuple[Release, str]:
        """The release with the result, and the problem if there was one."""
        started = self.tools.now()
        try:
            await self._delete(hook, _BEFORE_CREATION, release)
            placed = await place(self.tools, await objects_of(hook.manifest), release.namespace)
            running = replace(hook, last_run=HookRun(HookPhase.RUNNING, started))
            release = release.with_hook(running)
            await self.record(release)
            problem = await self._create_and_wait(placed)
        except (KubeError, ObjectsFailed, WaitFailed, ManifestUnusable) as error:
            problem = str(error)
        phase = HookPhase.FAILED if problem else HookPhase.SUCCEEDED
        release = release.with_hook(replace(hook, last_run=HookRun(phase, started, self.tools.now())))
        if problem:
            return release, f"{event} hook {hook.kind}/{hook.name} ({hook.path}) failed: {problem}"
        return release, ""

    async def _create_and_wait(self, placed: Sequence[Placed]) -> str:
        options = WriteOptions(server_side=self.server_side, look_first=not self.server_side)
        await Applier(self.tools, options).apply(placed, {})
        try:
            await until_finished(self.tools, placed, self.wait)
        except WaitFailed as error:
            return "; ".join([str(error), *await explain(self.tools, placed, told=str(error))])
        return ""

    async def _clean(self, hooks: Iterable[Hook], policy: str, release: Release) -> None:
        """What cannot be deleted afterwards is told, and does not change how the action ends."""
        for hook in hooks:
            try:
                await self._delete(hook, policy, release)
            except (KubeError, ObjectsFailed, WaitFailed, ManifestUnusable) as error:
                self.tools.on_stage(f"hook {hook.kind}/{hook.name} could not be deleted: {error}")

    async def _delete(self, hook: Hook, policy: str, release: Release) -> None:
        if hook.kind == _NEVER_DELETED or policy not in (hook.delete_policies or (_BEFORE_CREATION,)):
            return
        objects = await objects_of(hook.manifest)
        placed = await place_recorded(self.tools, objects, release.namespace)
        await until_gone(self.tools, await delete(self.tools, placed), self.wait)


def in_running_order(hooks: Iterable[Hook], event: HookEvent) -> list[Hook]:
    """The hooks of an event by weight; those of equal weight in the order of the record."""
    return sorted((hook for hook in hooks if hook.runs_at(event)), key=lambda hook: hook.weight)
