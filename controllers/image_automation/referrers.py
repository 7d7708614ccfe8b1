"""Which policies an ImageRepository concerns, and when it does (specs/image.md 7.3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from shared.kube.cache import Change
from shared.model.meta import READY, Object, ObjectKey


class Referrers:
    """An index of policies by what they refer to; subscribe `note` to their cache."""

    def __init__(self) -> None:
        self._policies: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)

    def note(self, change: Change) -> None:
        if change.before is not None:
            before = _repository(change.before)
            self._policies[before].discard(change.key)
            if not self._policies[before]:
                del self._policies[before]
        if change.after is not None:
            self._policies[_repository(change.after)].add(change.key)

    def concerned(self, change: Change) -> list[ObjectKey]:
        """The policies that a changed ImageRepository gives something new."""
        return sorted(self._policies.get(change.key, ())) if is_news(change) else []


def is_news(change: Change) -> bool:
    """It came or went, found other tags, allows others, names another image, or works again."""
    before, after = change.before, change.after
    if before is None or after is None:
        return True
    return _offer(before) != _offer(after) or (_is_ready(after) and not _is_ready(before))


def _offer(repository: Object) -> tuple[Any, ...]:
    spec, status = repository.get("spec") or {}, repository.get("status") or {}
    scan: Mapping[str, Any] = status.get("lastScanResult") or {}
    return spec.get("image"), spec.get("accessFrom"), scan.get("revision")


def _is_ready(obj: Object) -> bool:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(item["type"] == READY and item["status"] == "True" for item in conditions)


def _repository(policy: Object) -> ObjectKey:
    ref = (policy.get("spec") or {}).get("imageRepositoryRef") or {}
    return ObjectKey(ref.get("namespace") or policy["metadata"]["namespace"], ref.get("name") or "")
