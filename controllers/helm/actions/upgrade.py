"""Bring another chart or other values to a release (specs/helm.md 11, 20.2)."""

from __future__ import annotations

from controllers.helm.actions.requests import Upgrade
from controllers.helm.actions.toolbox import Tools
from controllers.helm.release.record import Release


async def upgrade(tools: Tools, request: Upgrade) -> Release:
    """The new revision, deployed. Raises ActionFailed; its `release` is None when nothing was stored."""
    raise NotImplementedError(tools, request)
