"""Bring an earlier revision of a release back (specs/helm.md 11, 20.2)."""

from __future__ import annotations

from controllers.helm.actions.requests import Rollback
from controllers.helm.actions.toolbox import Tools
from controllers.helm.release.record import Release


async def rollback(tools: Tools, request: Rollback) -> Release:
    """The new revision, deployed. Raises ActionFailed; its `release` is None when nothing was stored."""
    raise NotImplementedError(tools, request)
