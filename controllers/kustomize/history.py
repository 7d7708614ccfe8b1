"""status.history: the last five outcomes, newest first (specs/kustomize.md 1.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.artifact import Artifact
from shared.model.duration import render_duration
from shared.model.meta import Object, render_time

ORIGIN_REVISION = "org.opencontainers.image.revision"
_KEPT = 5


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt that got as far as a build; `status` is the Ready reason it ended with."""

    digest: str
    status: str
    artifact: Artifact
    ended: datetime
    took: timedelta


def with_attempt(history: Sequence[Object], attempted: Attempted) -> list[Object]:
    """The same digest and status count up and move to the front; others are put there."""
    same = [item for item in history if _key(item) == (attempted.digest, attempted.status)]
    others = [item for item in history if _key(item) != (attempted.digest, attempted.status)]
    now = render_time(attempted.ended)
    entry: Object = {
        "digest": attempted.digest,
        "firstReconciled": same[0]["firstReconciled"] if same else now,
        "lastReconciled": now,
        "lastReconciledDuration": render_duration(attempted.took),
        "lastReconciledStatus": attempted.status,
        "totalReconciliations": int(same[0].get("totalReconciliations", 0)) + 1 if same else 1,
        "metadata": _metadata(attempted.artifact),
    }
    return [entry, *others][:_KEPT]


def origin_revision(artifact: Artifact) -> str:
    """The revision in git that an OCI artifact was made of, if it says so."""
    return artifact.metadata.get(ORIGIN_REVISION, "")


def _metadata(artifact: Artifact) -> Mapping[str, str]:
    origin = origin_revision(artifact)
    revision = {"revision": artifact.revision}
    return revision | {"originRevision": origin} if origin else revision


def _key(item: Object) -> tuple[object, object]:
    return item.get("digest"), item.get("lastReconciledStatus")
