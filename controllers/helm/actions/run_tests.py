"""Run the test hooks of a release (specs/helm.md 11.1, 20.2)."""

from __future__ import annotations

from collections.abc import Sequence

from controllers.helm.actions.errors import ActionFailed, NothingInstalled
from controllers.helm.actions.hooks import Execution, HookFailed
from controllers.helm.actions.journal import Journal, failing_unstored
from controllers.helm.actions.requests import RunTests, TestFilter
from controllers.helm.actions.toolbox import Tools
from controllers.helm.release.errors import ReleaseError
from controllers.helm.release.record import Hook, HookEvent, Release
from shared.kube.errors import KubeError


async def run_tests(tools: Tools, request: RunTests) -> Release:
    """The release with the results in its hooks. Raises ActionFailed, which carries them, too.

    Its `release` is None when the results could not be recorded.
    """
    with failing_unstored():
        last = await tools.storage.last()
        if last is None:
            raise NothingInstalled(f'release "{tools.storage.name}" was not found')
    journal = Journal(tools, last)
    execution = Execution(tools, request.wait, last.is_server_side, journal.write)
    problem = ""
    try:
        try:
            release = await execution.run(
                last, HookEvent.TEST, lambda hook: is_selected(hook.name, request.filters)
            )
        except HookFailed as error:
            release, problem = error.release, str(error)
        await journal.write(release)
    except (KubeError, ReleaseError) as error:
        raise ActionFailed(problem or str(error)) from error
    if problem:
        raise ActionFailed(problem, release)
    return release


def selected_tests(release: Release, filters: Sequence[TestFilter]) -> list[Hook]:
    """The test hooks that a run with these filters is about."""
    return [
        hook for hook in release.hooks if hook.runs_at(HookEvent.TEST) and is_selected(hook.name, filters)
    ]


def is_selected(name: str, filters: Sequence[TestFilter]) -> bool:
    """An exclusion wins; as soon as one name is included, only included ones count."""
    if any(item.exclude and item.name == name for item in filters):
        return False
    included = [item.name for item in filters if not item.exclude]
    return not included or name in included
