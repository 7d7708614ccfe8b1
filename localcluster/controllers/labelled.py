"""Pods by their labels, so that who selects some of them need not look at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from localcluster.controllers.access import Access, Kind
from localcluster.selectors.labels import LabelSelector
from localcluster.store.revision import Change, Key, Revision

_Pair = tuple[str, str, str]
"""Namespace, label, value."""


class Labelled:
    """An index over the labels of one kind's objects."""

    def __init__(self, access: Access, kind: Kind) -> None:
        self._access = access
        self._kind = kind
        self._keys: dict[_Pair, dict[Key, None]] = {}
        self._listeners: list[Callable[[str, Mapping[str, str]], None]] = []

    def start(self) -> None:
        for revision in self._access.snapshot(self._kind):
            self._add(revision)
        self._access.listen(self._kind, self._hear)

    def tell(self, hear: Callable[[str, Mapping[str, str]], None]) -> None:
        """Call `hear` with the namespace and the labels, new or old, of each object that changes."""
        self._listeners.append(hear)

    def select(
        self, namespace: str, selector: LabelSelector, required: Mapping[str, str] | None = None
    ) -> list[Revision]:
        """Objects that match, by key. `required` are labels that the selector demands, to search by."""
        sets = [self._keys.get((namespace, *pair), {}) for pair in (required or {}).items()]
        if sets:
            keys = min(sets, key=len)
            found = [self._access.revision(self._kind, key) for key in sorted(keys)]
        else:
            found = list(self._access.snapshot(self._kind, namespace))
        return [each for each in found if each is not None and selector.matches(each.labels)]

    def _add(self, revision: Revision) -> None:
        for pair in revision.labels.items():
            self._keys.setdefault((revision.key[0], *pair), {})[revision.key] = None

    def _hear(self, change: Change) -> None:
        before, after = change.before, change.after
        if before is not None and (after is None or after.labels != before.labels):
            for pair in before.labels.items():
                found = (change.key[0], *pair)
                self._keys[found].pop(change.key, None)
                if not self._keys[found]:
                    del self._keys[found]
            self._tell(change.key[0], before.labels)
        if after is not None:
            if before is None or before.labels != after.labels:
                self._add(after)
            self._tell(change.key[0], after.labels)

    def _tell(self, namespace: str, labels: Mapping[str, str]) -> None:
        for hear in self._listeners:
            hear(namespace, labels)
