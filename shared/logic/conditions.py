"""Conditions of one object during one attempt: setting, ordering, summarising, merging.

Follows specs/runtime.md 2.3 (setting), 2.4 (summary into Ready) and 4 (three-way merge).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from shared.model.meta import READY, RECONCILING, STALLED, Condition, Object

MAX_MESSAGE = 32_768
_FIRST = (STALLED, RECONCILING, READY)


class Conditions:
    """A mutable draft, keyed by type. `now` and `generation` stamp whatever is set."""

    def __init__(self, items: Iterable[Condition], *, generation: int, now: datetime) -> None:
        self._items = {item.type: item for item in items}
        self._generation = generation
        self._now = now.replace(microsecond=0)

    @classmethod
    def parse(cls, raw: Sequence[Mapping[str, Any]] | None, *, generation: int, now: datetime) -> Conditions:
        return cls((Condition.parse(item) for item in raw or ()), generation=generation, now=now)

    def __iter__(self) -> Iterator[Condition]:
        return iter(sorted(self._items.values(), key=_display_order))

    def __len__(self) -> int:
        return len(self._items)

    def find(self, kind: str) -> Condition | None:
        return self._items.get(kind)

    def is_true(self, kind: str) -> bool:
        found = self._items.get(kind)
        return found is not None and found.is_true

    def is_false(self, kind: str) -> bool:
        found = self._items.get(kind)
        return found is not None and found.is_false

    def is_unknown(self, kind: str) -> bool:
        """Also when it is absent."""
        found = self._items.get(kind)
        return found is None or found.status == "Unknown"

    @property
    def ready(self) -> bool:
        return self.is_true(READY) and not self.is_true(STALLED) and not self.is_true(RECONCILING)

    @property
    def stalled(self) -> bool:
        return self.is_true(STALLED) and not self.is_true(RECONCILING)

    def set(self, kind: str, status: str, reason: str, message: str) -> None:
        """The transition time moves when status, reason or message does."""
        message = cut(message)
        before = self._items.get(kind)
        same = before is not None and (before.status, before.reason, before.message) == (
            status,
            reason,
            message,
        )
        moment = before.last_transition if before is not None and same else self._now
        self._items[kind] = Condition(kind, status, reason, message, moment, self._generation)

    def mark_true(self, kind: str, reason: str, message: str) -> None:
        self.set(kind, "True", reason, message)

    def mark_false(self, kind: str, reason: str, message: str) -> None:
        self.set(kind, "False", reason, message)

    def mark_unknown(self, kind: str, reason: str, message: str) -> None:
        self.set(kind, "Unknown", reason, message)

    def mark_reconciling(self, reason: str, message: str) -> None:
        self.delete(STALLED)
        self.mark_true(RECONCILING, reason, message)

    def mark_stalled(self, reason: str, message: str) -> None:
        self.delete(RECONCILING)
        self.mark_true(STALLED, reason, message)

    def delete(self, *kinds: str) -> None:
        for kind in kinds:
            self._items.pop(kind, None)

    def restamp(self) -> None:
        """Say of every condition that it holds for the current generation."""
        for kind, item in self._items.items():
            self._items[kind] = replace(item, observed_generation=self._generation)

    def render(self) -> list[Object]:
        return [item.render() for item in self]


@dataclass(frozen=True, slots=True)
class Summary:
    """How a kind's Ready follows from its other conditions: the order, and which are bad when True."""

    order: tuple[str, ...]
    negative: frozenset[str]
    bipolar: str = ""

    def apply(self, conditions: Conditions) -> None:
        """Set Ready; nothing happens when none of the listed conditions exist."""
        listed = [found for kind in self.order if (found := conditions.find(kind)) is not None]
        if listed:
            rank, best = min(
                ((self._rank(item), item) for item in listed), key=lambda pair: pair[0]
            )  # min keeps the first of equals, so the listed order decides
            conditions.set(READY, _READY_BY_RANK[rank], best.reason, best.message)
        verified = conditions.find(self.bipolar) if self.bipolar else None
        if verified is not None and verified.is_false:
            conditions.mark_false(READY, verified.reason, verified.message)

    def _rank(self, item: Condition) -> int:
        bad = item.type in self.negative
        match item.status:
            case "True":
                return 0 if bad else 2
            case "False":
                return 3 if bad else 1
            case _:
                return 4


_READY_BY_RANK = ("False", "False", "True", "True", "Unknown")


def merge_conditions(
    before: Sequence[Condition],
    after: Sequence[Condition],
    latest: Sequence[Condition],
    owned: frozenset[str],
) -> list[Condition]:
    """What to write when somebody wrote `latest` while we went from `before` to `after`.

    Types that we own are ours as in `after`; of the rest, only what we changed is changed.
    """
    old, new = {c.type: c for c in before}, {c.type: c for c in after}
    merged = {c.type: c for c in latest}
    for kind in old.keys() | new.keys() | owned:
        ours, base = new.get(kind), old.get(kind)
        if kind not in owned and _same(ours, base):
            continue
        if ours is None:
            merged.pop(kind, None)
        else:
            merged[kind] = ours
    return sorted(merged.values(), key=_display_order)


def _same(one: Condition | None, other: Condition | None) -> bool:
    if one is None or other is None:
        return one is other
    epoch = datetime.fromtimestamp(0, UTC)
    return replace(one, last_transition=epoch) == replace(other, last_transition=epoch)


def cut(message: str, limit: int = MAX_MESSAGE) -> str:
    """Cut to `limit` bytes of UTF-8, ending in `...` when cut.

    What UTF-8 cannot hold, such as the bytes of a file name in another encoding, becomes `?`.
    """
    raw = message.encode(errors="replace")
    if len(raw) <= limit:
        return raw.decode()
    return raw[: limit - 3].decode(errors="ignore") + "..."


def _display_order(item: Condition) -> tuple[int, int, str]:
    first = _FIRST.index(item.type) if item.type in _FIRST else len(_FIRST)
    return first, -item.observed_generation if first == len(_FIRST) else 0, item.type
