"""Bring a chart into the cluster as a new release (specs/helm.md 11, 20.2)."""

from __future__ import annotations

from controllers.helm.actions.requests import Install
from controllers.helm.actions.toolbox import Tools
from controllers.helm.release.record import Release


async def install(tools: Tools, request: Install) -> Release:
    """The deployed release. Raises ActionFailed; its `release` is None when nothing was stored."""
    raise NotImplementedError(tools, request)
