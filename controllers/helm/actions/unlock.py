"""End what an action that died left pending (specs/helm.md 11)."""

from __future__ import annotations

from controllers.helm.actions.errors import NothingInstalled
from controllers.helm.actions.journal import Journal, failing_unstored
from controllers.helm.actions.toolbox import Tools
from controllers.helm.release.record import Release, Status


async def unlock(tools: Tools) -> Release:
    """The last revision, failed; as it is when it was not pending. Raises ActionFailed."""
    with failing_unstored():
        last = await tools.storage.last()
        if last is None:
            raise NothingInstalled(f'release "{tools.storage.name}" was not found')
        if not last.status.is_pending:
            return last
        journal = Journal(tools, last)
        await journal.write(
            last.as_status(Status.FAILED, f"Release unlocked from stale '{last.status}' state")
        )
    return journal.release
