"""Services and budgets by the pods that they select: which of them a change of a pod concerns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from localcluster.store.revision import Key


class Selecting:
    """Who selects by which labels: each is found by one of them, one that demands none always."""

    def __init__(self) -> None:
        self._by_pair: dict[tuple[str, str, str], dict[Key, None]] = {}
        self._always: dict[str, dict[Key, None]] = {}
        self._placed: dict[Key, tuple[str, str] | None] = {}

    def put(self, key: Key, match_labels: Mapping[str, str]) -> None:
        self.drop(key)
        pair = min(match_labels.items(), default=None)
        self._placed[key] = pair
        if pair is None:
            self._always.setdefault(key[0], {})[key] = None
        else:
            self._by_pair.setdefault((key[0], *pair), {})[key] = None

    def drop(self, key: Key) -> None:
        if key not in self._placed:
            return
        pair = self._placed.pop(key)
        if pair is None:
            self._always[key[0]].pop(key)
        else:
            self._by_pair[key[0], *pair].pop(key)

    def concerned(self, namespace: str, labels: Mapping[str, str]) -> Iterator[Key]:
        """Those that may select an object with these labels."""
        yield from self._always.get(namespace, ())
        for pair in labels.items():
            yield from self._by_pair.get((namespace, *pair), ())
