"""Artifact -> files: fetched, checked, unpacked, or the condition that says why not (kustomize.md 4.1)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from controllers.kustomize.failures import ArtifactFailed, WorkspaceFailed
from controllers.kustomize.memory import Remembered
from controllers.kustomize.stages import revision_metadata
from controllers.kustomize.workspace import Workspace
from shared.artifacts.errors import ArtifactError, ArtifactNotFound, ArtifactUnavailable
from shared.model.artifact import Artifact
from shared.model.kustomize import Kustomization
from shared.runtime.failure import Failure, Waiting

_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(seconds=30)


class Fetch:
    """`retries`: how often an artifact server that does not answer is asked before it is a failure."""

    def __init__(self, workspace: Workspace, *, retries: int, requeue: timedelta) -> None:
        self._workspace, self._retries, self._requeue = workspace, retries, requeue

    @contextlib.asynccontextmanager
    async def files(self, ks: Kustomization, artifact: Artifact, memory: Remembered) -> AsyncIterator[Path]:
        """The unpacked tree. Raises ArtifactFailed, WorkspaceFailed, or Waiting while it may still come."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                tree = await stack.enter_async_context(self._workspace.tree(artifact))
            except ArtifactNotFound as error:
                raise self._not_there_yet() from error
            except ArtifactUnavailable as error:
                raise self._unavailable(ks, artifact, memory, error) from error
            except ArtifactError as error:
                raise _failed(ks, artifact, ArtifactFailed, str(error)) from error
            except OSError as error:
                raise _failed(ks, artifact, WorkspaceFailed, f"tmp dir error: {error}") from error
            memory.fetch_failures = 0
            yield tree

    def _not_there_yet(self) -> Waiting:
        seconds = int(self._requeue.total_seconds())
        return Waiting(
            f"Source is not ready, artifact not found, retrying in {seconds}s",
            retry_in=self._requeue,
            reason=ArtifactFailed.reason,
            quiet=True,
        )

    def _unavailable(
        self, ks: Kustomization, artifact: Artifact, memory: Remembered, error: ArtifactUnavailable
    ) -> Failure:
        """Asked again by the queue, not in place: an artifact server that is down must hold no worker."""
        memory.fetch_failures += 1
        if memory.fetch_failures > self._retries:
            memory.fetch_failures = 0
            return _failed(ks, artifact, ArtifactFailed, str(error))
        delay = min(_FIRST_WAIT * 2 ** min(memory.fetch_failures - 1, 10), _LONGEST_WAIT)
        return Waiting(str(error), retry_in=delay, reason=ArtifactFailed.reason, quiet=True)


def _failed(ks: Kustomization, artifact: Artifact, kind: type[Failure], message: str) -> Failure:
    return kind(message, retry_in=ks.retry_interval, metadata=revision_metadata(artifact))
