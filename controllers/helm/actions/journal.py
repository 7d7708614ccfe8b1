"""Keep the record of a revision level with what an action does, however the action ends.

A record is stored before the cluster is touched and after every step, so that a process which dies at
any line leaves a record that says so: `pending-…`, which is unlocked and continued.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from controllers.helm.actions.errors import (
    ActionFailed,
    Interrupted,
    ObjectsFailed,
    RecordUnusable,
    WaitCancelled,
    WaitFailed,
)
from controllers.helm.actions.hooks import Execution, HookFailed
from controllers.helm.actions.objects import ManifestUnusable
from controllers.helm.actions.post_render import PostRenderFailed
from controllers.helm.actions.requests import Wait
from controllers.helm.actions.toolbox import Tools
from controllers.helm.release.errors import ReleaseError
from controllers.helm.release.record import HookEvent, Release, Status
from shared.charts.errors import ChartError
from shared.kube.errors import ApiUnreachable, KubeError, NotFound, ServerFailure

_PAUSES = (0.2, 1.0, 3.0)
_LAST_WORDS_SECONDS = 5.0
_LONGEST_DESCRIPTION = 4_096

_PROBLEMS = (
    ChartError,
    HookFailed,
    KubeError,
    ManifestUnusable,
    ObjectsFailed,
    PostRenderFailed,
    WaitFailed,
)


@contextmanager
def failing_unstored() -> Iterator[None]:
    """Whatever goes wrong before a revision is stored becomes an ActionFailed without a release."""
    try:
        yield
    except ReleaseError as error:
        raise RecordUnusable(str(error)) from error
    except WaitCancelled as error:
        raise Interrupted(str(error)) from error
    except _PROBLEMS as error:
        raise ActionFailed(str(error)) from error


class Journal:
    """The record of one revision that is stored already."""

    def __init__(self, tools: Tools, release: Release) -> None:
        self._tools = tools
        self.release = release

    async def write(self, release: Release) -> None:
        """Store the revision as it is now; a server that is away for a moment is asked again."""
        for pause in _PAUSES:
            try:
                await self._tools.storage.update(release)
            except (ApiUnreachable, ServerFailure):
                await asyncio.sleep(pause)
            else:
                break
        else:
            await self._tools.storage.update(release)
        self.release = release

    async def run_hooks(self, event: HookEvent, wait: Wait, failed: str) -> None:
        """Run the hooks of an event. `failed` stands before what is said of a hook that failed."""
        execution = Execution(self._tools, wait, self.release.is_server_side, self.write)
        try:
            self.release = await execution.run(self.release, event)
        except HookFailed as error:
            self.release = error.release
            raise HookFailed(f"{failed}: {error}", error.release) from error

    @asynccontextmanager
    async def kept(self, describe: Callable[[str], str]) -> AsyncIterator[None]:
        """Around all that may fail: the record then says `failed` and why; raises ActionFailed.

        `describe` makes the record's description of an error's text.
        """
        try:
            yield
        except ReleaseError as error:
            await self._fail(describe(str(error)))
            raise RecordUnusable(str(error), self.release) from error
        except WaitCancelled as error:
            await self._fail(describe(str(error)))
            raise Interrupted(str(error), self.release) from error
        except _PROBLEMS as error:
            await self._fail(describe(str(error)))
            raise ActionFailed(str(error), self.release) from error
        except asyncio.CancelledError:
            # The process ends, or nobody waits for the result: there is time for one sentence.
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_SECONDS):
                    await self._fail(describe("interrupted"))
            raise

    async def _fail(self, description: str) -> None:
        """When even this cannot be stored the record stays pending, and is unlocked later."""
        failed = self.release.as_status(Status.FAILED, description[:_LONGEST_DESCRIPTION])
        try:
            await self.write(failed)
        except NotFound:
            self._tools.on_stage(f"the record of {self.release} was deleted meanwhile")
        except (KubeError, ReleaseError) as error:
            self._tools.on_stage(f"the failure of {self.release} could not be recorded: {error}")
