"""What can go wrong while objects are applied, in the words that users know (specs/kustomize.md 8.4).

ApplyFailed          the whole apply; carries what was done before
└── StillSettling    a stage is not ready yet: come back soon
ObjectRefused        one object; only ever inside an ApplyFailed
└── NotReadyInTime   the objects of a stage that the next one needs
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.kube.errors import ApiError, KubeError, NotFound
from shared.logic.changes import ChangeSet
from shared.model.meta import ObjectRef

_MOST_TOLD = 10
_SHORTEST_SECRET = 4


class ApplyFailed(KubeError):
    """`changes` are the objects that were reached before it went wrong: they are ours now."""

    def __init__(self, message: str, changes: ChangeSet) -> None:
        super().__init__(message)
        self.message = message
        self.changes = changes

    def render(self) -> str:
        """The message, and behind it the change log so far."""
        return f"{self.message}\n{self.changes.render()}" if len(self.changes) else self.message


class StillSettling(ApplyFailed):
    """Nothing went wrong: a stage is not ready yet. Apply again soon, it goes on where it was."""


class ObjectRefused(KubeError):
    """One object could not be applied; the text begins with its name."""


class NotReadyInTime(ObjectRefused):
    """Objects that the next stage needs did not become ready."""


def dry_run_failed(ref: ObjectRef, desired: Mapping[str, Any], error: KubeError) -> ObjectRefused:
    text = _told(error, desired)
    if isinstance(error, NotFound):
        # A missing namespace is named by the server; a missing field, by us.
        return ObjectRefused(f"{ref} not found: {text}")
    reason = f" ({error.reason})" if isinstance(error, ApiError) and error.reason else ""
    return ObjectRefused(f"{ref} dry-run failed{reason}: {text}")


def namespace_missing(ref: ObjectRef) -> ObjectRefused:
    return ObjectRefused(f"{ref} namespace not specified: the server could not find the requested resource")


def apply_failed(ref: ObjectRef, desired: Mapping[str, Any], error: KubeError) -> ObjectRefused:
    return ObjectRefused(f"{ref} apply failed: {_told(error, desired)}")


def all_refused(errors: Sequence[KubeError]) -> ObjectRefused:
    """Every object that was refused, one a line, so that one look at them is enough."""
    lines = [str(error) for error in errors[:_MOST_TOLD]]
    if len(errors) > _MOST_TOLD:
        lines.append(f"and {len(errors) - _MOST_TOLD} more objects")
    return ObjectRefused("\n".join(lines))


def _told(error: KubeError, desired: Mapping[str, Any]) -> str:
    """The server quotes what it refuses; what is in a Secret must not get into a condition."""
    text = str(error)
    if desired.get("kind") == "Secret":
        for value in sorted(_values(desired), key=len, reverse=True):
            text = text.replace(value, "*****")
    return text


def _values(secret: Mapping[str, Any]) -> Iterator[str]:
    for name in ("data", "stringData"):
        content = secret.get(name)
        if isinstance(content, Mapping):
            yield from (v for v in map(str, content.values()) if len(v) >= _SHORTEST_SECRET)
