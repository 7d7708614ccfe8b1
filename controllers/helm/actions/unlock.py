"""End what an action that died left pending (specs/helm.md 11)."""

from __future__ import annotations

from controllers.helm.actions.toolbox import Tools
from controllers.helm.release.record import Release


async def unlock(tools: Tools) -> Release:
    """The last revision, failed. Raises ActionFailed."""
    raise NotImplementedError(tools)
