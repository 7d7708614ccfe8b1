"""How many replicas each replica set of a Deployment should have now. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """One replica set: what it is asked for, what it has, what is of use."""

    name: str
    asked: int
    actual: int
    available: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a rolling update: `surge` pods more, `unavailable` pods fewer than desired."""

    desired: int
    surge: int
    unavailable: int


def limits_of(desired: int, rolling: dict[str, Any]) -> Limits:
    """From `rollingUpdate`; where both come to nothing one pod may be unavailable, or nothing would move."""
    surge = _resolve(rolling.get("maxSurge", "25%"), desired, round_up=True)
    unavailable = _resolve(rolling.get("maxUnavailable", "25%"), desired, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Limits(desired, surge, min(unavailable, desired))


def _resolve(value: int | str, total: int, *, round_up: bool) -> int:
    if isinstance(value, int):
        return value
    hundredths = int(value.removesuffix("%")) * total
    return -(-hundredths // 100) if round_up else hundredths // 100


def rolling_targets(limits: Limits, new: Part, old: Sequence[Part]) -> dict[str, int]:
    """Replicas by name. `old` is sorted oldest first; unhealthy pods go before healthy ones."""
    targets = {part.name: part.asked for part in (new, *old)}
    targets[new.name] = _grow(limits, new, sum(targets.values()))
    asked = sum(part.asked for part in old) + new.asked
    new_unavailable = new.asked - new.available
    spare = asked - (limits.desired - limits.unavailable) - new_unavailable
    if spare <= 0:
        return targets
    for part in old:
        unhealthy = min(spare, max(part.asked - part.available, 0))
        targets[part.name] -= unhealthy
        spare -= unhealthy
    healthy = sum(part.available for part in (new, *old)) - (limits.desired - limits.unavailable)
    for part in old:
        gone = min(max(healthy, 0), targets[part.name])
        targets[part.name] -= gone
        healthy -= gone
    return targets


def _grow(limits: Limits, new: Part, asked: int) -> int:
    if new.asked >= limits.desired:
        return limits.desired
    room = limits.desired + limits.surge - asked
    return new.asked + max(0, min(room, limits.desired - new.asked))


def recreate_targets(desired: int, new: Part, old: Sequence[Part]) -> dict[str, int]:
    """All old pods go before the first new one comes. `actual` must count pods that are still stopping."""
    targets = dict.fromkeys((part.name for part in old), 0)
    targets[new.name] = new.asked if any(part.actual for part in old) else desired
    return targets


def paused_targets(limits: Limits, parts: Sequence[Part]) -> dict[str, int]:
    """While paused nothing rolls, but a Deployment can still be scaled: its newest active set takes it up.

    `parts` is sorted oldest first.
    """
    active = [part for part in parts if part.asked] or list(parts[-1:])
    if not active:
        return {}
    asked = sum(part.asked for part in active)
    most = limits.desired + limits.surge if len(active) > 1 else limits.desired
    if limits.desired <= asked <= most:
        return {}
    newest = active[-1]
    return {newest.name: max(0, limits.desired - (asked - newest.asked))}
