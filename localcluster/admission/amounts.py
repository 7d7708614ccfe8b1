"""Sums of quantities by name, and what a pod asks for altogether."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localcluster.objects import quantity
from localcluster.objects.quantity import Quantity

Amounts = dict[str, Quantity]
Json = dict[str, Any]


def read(given: Mapping[str, str] | None) -> Amounts:
    """A resource list of an object that has been validated."""
    return {name: quantity.parse(str(text)) for name, text in (given or {}).items()}


def number(count: int) -> Quantity:
    return quantity.parse(str(count))


def add(left: Amounts, right: Amounts) -> Amounts:
    found = dict(left)
    for name, amount in right.items():
        present = found.get(name)
        found[name] = amount if present is None else _plus(present, amount)
    return found


def _plus(left: Quantity, right: Quantity) -> Quantity:
    return Quantity(left.value + right.value, left.style if left.value else right.style)


def increase(new: Amounts, old: Amounts) -> Amounts:
    """What `new` has more than `old`; names that grew alone."""
    grown: Amounts = {}
    for name, amount in new.items():
        before = old.get(name)
        more = amount.value - (before.value if before is not None else 0)
        if more > 0:
            grown[name] = Quantity(more, amount.style)
    return grown


def largest(left: Amounts, right: Amounts) -> Amounts:
    found = dict(left)
    for name, amount in right.items():
        present = found.get(name)
        if present is None or amount.value > present.value:
            found[name] = amount
    return found


def shown(amounts: Amounts) -> str:
    """`cpu=1,pods=2`, sorted."""
    return ",".join(f"{name}={amounts[name]}" for name in sorted(amounts))


def of_pod(pod: Json, part: str) -> Amounts:
    """What a pod's containers have as `requests` or `limits`: together, or one that runs before them all."""
    spec = pod["spec"]

    def own(container: Json) -> Amounts:
        return read((container.get("resources") or {}).get(part))

    total = _sum(spec.get("containers") or (), own)
    sidecars: Amounts = {}
    before: Amounts = {}
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            sidecars = add(sidecars, own(container))
            before = largest(before, sidecars)
        else:
            before = largest(before, add(sidecars, own(container)))
    whole = largest(add(total, sidecars), before)
    overhead = read(spec.get("overhead")).items()
    return add(whole, {name: amount for name, amount in overhead if part == "requests" or name in whole})


def _sum(items: Iterable[Json], of: Callable[[Json], Amounts]) -> Amounts:
    total: Amounts = {}
    for item in items:
        total = add(total, of(item))
    return total
