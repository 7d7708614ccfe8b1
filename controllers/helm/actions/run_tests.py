"""Run the test hooks of a release (specs/helm.md 11.1, 20.2)."""

from __future__ import annotations

from controllers.helm.actions.requests import RunTests
from controllers.helm.actions.toolbox import Tools
from controllers.helm.release.record import Release


async def run_tests(tools: Tools, request: RunTests) -> Release:
    """The release with the results in its hooks. Raises ActionFailed, which carries them, too."""
    raise NotImplementedError(tools, request)
