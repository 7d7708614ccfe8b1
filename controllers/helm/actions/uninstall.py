"""Take a release out of the cluster (specs/helm.md 11, 17, 20.2)."""

from __future__ import annotations

from controllers.helm.actions.requests import Uninstall
from controllers.helm.actions.toolbox import Tools
from controllers.helm.release.record import Release


async def uninstall(tools: Tools, request: Uninstall) -> Release:
    """The last revision, as uninstalled. Raises ActionFailed, and NothingInstalled without any record."""
    raise NotImplementedError(tools, request)
