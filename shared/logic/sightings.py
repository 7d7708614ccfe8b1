"""What is known about the live versions of objects, and which changes are not our own doing.

The answers to our writes and the events of a watch arrive in any order. Both are noted here, and a
watched change counts as somebody else's only when it is newer than our last write and touches
something that an apply could care about: a change of status alone does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from shared.logic.owner import created_only, excluded_from_apply, metadata_map
from shared.model.meta import ObjectKey

# Written by the deployment controller on each rollout.
_NOT_CONTENT = frozenset({"deployment.kubernetes.io/revision"})


class Meddling(StrEnum):
    """What somebody else did to an object of ours."""

    CHANGED = "changed"
    GONE = "gone"
    """Deleted, or its owner labels were taken away."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """`version` is the newest resourceVersion; `content` the one since which only status changed.

    `leaving`: we asked for its deletion. `terminating`: somebody's deletion waits for its finalizers.
    """

    uid: str
    version: str
    content: str
    generation: int
    words: int
    terminating: bool = False
    leaving: bool = False

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> Self:
        uid, version = identity(obj)
        meta = obj["metadata"]
        generation, terminating = int(meta.get("generation") or 0), "deletionTimestamp" in meta
        return cls(uid, version, version, generation, _words(obj), terminating)

    def differs_in_status_only(self, other: Sighting) -> bool:
        """Also owner references, finalizers and the ownership of fields may differ.

        Kinds without generations (ConfigMap, Secret) have no status to speak of.
        """
        return (
            self.uid == other.uid and self.generation == other.generation != 0 and self.words == other.words
        )


@dataclass(frozen=True, slots=True)
class _Held:
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Sightings:
    """The objects of one kind. Feed it writes (begin, end) and watch events (watched)."""

    def __init__(self) -> None:
        self._seen: dict[ObjectKey, Sighting] = {}
        self._writing: dict[ObjectKey, int] = {}
        self._held: dict[ObjectKey, _Held] = {}

    def find(self, key: ObjectKey) -> Sighting | None:
        return self._seen.get(key)

    def begin(self, key: ObjectKey) -> None:
        """A write of ours is on its way: events are held until its answer is here."""
        self._writing[key] = self._writing.get(key, 0) + 1

    def end(self, key: ObjectKey, answer: Mapping[str, Any] | None) -> Meddling | None:
        """The write is over; `answer` is the object as written, None when that is not known."""
        if answer is not None:
            self.note(key, answer)
        self._writing[key] -= 1
        if self._writing[key]:
            return None
        del self._writing[key]
        held = self._held.pop(key, None)
        return self._judge(key, held.before, held.after) if held is not None else None

    def note(self, key: ObjectKey, obj: Mapping[str, Any]) -> None:
        """The object as the API server just gave it to us: whatever is older is no news.

        One that we had asked to go, and now look at again, is wanted again.
        """
        uid, version = identity(obj)
        known = self._seen.get(key)
        if known is None or known.uid != uid or known.leaving or is_newer(version, known.version):
            self._seen[key] = Sighting.of(obj)

    def note_leaving(self, key: ObjectKey, *, leaving: bool) -> None:
        """We ask for its deletion, so its going is no news; or we asked and it was refused."""
        known = self._seen.get(key)
        if known is not None:
            self._seen[key] = replace(known, leaving=leaving)

    def watched(
        self, key: ObjectKey, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Meddling | None:
        """A watch event: `before` is None for a new object, `after` for one that is gone."""
        if key in self._writing:
            self._held[key] = _Held(before, after)
            return None
        return self._judge(key, before, after)

    def _judge(
        self, key: ObjectKey, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Meddling | None:
        known = self._seen.get(key)
        if after is None:
            if known is None or (before is not None and identity(before)[0] != known.uid):
                return None
            del self._seen[key]
            return None if known.leaving else Meddling.GONE
        fresh = Sighting.of(after)
        if known is None or known.uid != fresh.uid:
            self._seen[key] = fresh
            return None if known is None else Meddling.CHANGED
        if not is_newer(fresh.version, known.version):
            return None
        quiet = fresh.differs_in_status_only(known)
        content = known.content if quiet else fresh.version
        self._seen[key] = replace(fresh, content=content, leaving=known.leaving)
        return None if quiet or known.leaving or _is_left_to_others(after) else Meddling.CHANGED


def _is_left_to_others(live: Mapping[str, Any]) -> bool:
    """What we would skip anyway is no reason to look."""
    return excluded_from_apply(live) or created_only(live)


def identity(obj: Mapping[str, Any]) -> tuple[str, str]:
    """(uid, resourceVersion), empty where a dry run left them out."""
    meta = obj["metadata"]
    return str(meta.get("uid", "")), str(meta.get("resourceVersion", ""))


def is_newer(version: str, than: str) -> bool:
    """Versions of one resource are numbers that grow; of anything else we only know when it differs."""
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return version != than


def _words(obj: Mapping[str, Any]) -> int:
    """Labels and annotations, as a hash."""
    return hash(
        tuple(
            tuple(sorted((k, v) for k, v in metadata_map(obj, field).items() if k not in _NOT_CONTENT))
            for field in ("labels", "annotations")
        )
    )
