"""Take a release out of the cluster (specs/helm.md 11, 17, 20.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from controllers.helm.actions.apply import delete
from controllers.helm.actions.errors import ActionFailed, NothingInstalled, ObjectsFailed, WaitFailed
from controllers.helm.actions.hooks import HookFailed
from controllers.helm.actions.journal import Journal, failing_unstored
from controllers.helm.actions.objects import ManifestUnusable, Placed, objects_of, place_recorded
from controllers.helm.actions.requests import Uninstall
from controllers.helm.actions.toolbox import Tools
from controllers.helm.actions.transition import supersede_deployed
from controllers.helm.actions.wait import until_gone
from controllers.helm.release.record import HookEvent, Release, Status
from shared.kube.errors import KubeError

_IN_PROGRESS = "Deletion in progress (or silently failed)"


async def uninstall(tools: Tools, request: Uninstall) -> Release:
    """The last revision, as uninstalled. Raises ActionFailed, and NothingInstalled without any record.

    A failure leaves the record `uninstalling`; uninstalling again goes on where it was. What fails after
    the objects are deleted is told, but the release is gone.
    """
    name = tools.storage.name
    with failing_unstored():
        last = await tools.storage.last()
        if last is None:
            raise NothingInstalled(f'release "{name}" was not found')
        if last.status is Status.UNINSTALLED:
            if request.keep_history:
                raise ActionFailed(f'the release named "{name}" is already deleted', last)
            await tools.storage.purge()
            return last
        leaving = replace(last, info=replace(last.info, deleted=tools.now()))
        journal = Journal(tools, leaving)
        await journal.write(leaving.as_status(Status.UNINSTALLING, _IN_PROGRESS))
    return await _Course(tools, request, journal).run()


@dataclass(frozen=True, slots=True)
class _Course:
    """An uninstall whose record says that it goes on."""

    tools: Tools
    request: Uninstall
    journal: Journal

    async def run(self) -> Release:
        """Raises ActionFailed."""
        problems: list[str] = []
        try:
            if self.request.hooks:
                await self.journal.run_hooks(HookEvent.PRE_DELETE, self.request.wait, "failed pre-delete")
            deleted = await self._delete()
            problems += await self._finish_up(deleted)
            release = await self._forget()
        except (HookFailed, ObjectsFailed, KubeError) as error:
            raise ActionFailed(str(error), self.journal.release) from error
        if problems:
            listed = "; ".join(problems)
            message = f"uninstallation completed with {len(problems)} error(s): {listed}"
            raise ActionFailed(message, release)
        return release

    async def _delete(self) -> list[Placed]:
        release = self.journal.release
        try:
            objects = await objects_of(release.manifest)
            placed = await place_recorded(self.tools, objects, release.namespace)
        except ManifestUnusable as error:
            raise ObjectsFailed(
                f"corrupted release record. You must manually delete the resources: {error}"
            ) from error
        self.tools.on_stage(f"deleting {len(placed)} resource(s)")
        try:
            return await delete(self.tools, placed, self.request.propagation)
        except ObjectsFailed as error:
            raise ObjectsFailed(f"failed to delete release: {release.name}: {error}") from error

    async def _finish_up(self, deleted: Sequence[Placed]) -> list[str]:
        """Wait and run the last hooks; what goes wrong here does not keep the release."""
        problems: list[str] = []
        try:
            if self.request.wait.ready:
                await until_gone(self.tools, deleted, self.request.wait)
        except WaitFailed as error:
            problems.append(str(error))
        try:
            if self.request.hooks:
                await self.journal.run_hooks(HookEvent.POST_DELETE, self.request.wait, "failed post-delete")
        except HookFailed as error:
            problems.append(str(error))
        return problems

    async def _forget(self) -> Release:
        release = self.journal.release.as_status(Status.UNINSTALLED, "Uninstallation complete")
        # Also when it is purged: who watches the records learns how it ended.
        await self.journal.write(release)
        if self.request.keep_history:
            await supersede_deployed(self.tools, release.version)
        else:
            await self.tools.storage.purge()
        return release
