"""How two values differ, path by path, as people read it (specs/cli.md 8.3).

Items of a list are told apart by their names where all have one; other lists by what is in them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.logic.go_yaml_write import write

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed at one path: a value, or the entries that came and went."""

    path: str
    lines: tuple[str, ...]


def report(before: Any, after: Any) -> str:
    """Empty when both are the same; else blocks between blank lines."""
    blocks = [
        "\n".join([found.path or "(root level)", *(f"  {line}" for line in found.lines)])
        for found in _differences("", before, after)
    ]
    return "".join(f"\n{block}\n" for block in blocks)


def _differences(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_maps(path, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(path, before, after)
    elif _differ(before, after):
        old, new = _lines(before), _lines(after)
        changed = "type change" if type(before) is not type(after) else "value change"
        marked = [*(f"  - {line}" for line in old), *(f"  + {line}" for line in new)]
        yield Difference(path, (f"± {changed}", *marked))


def _of_maps(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    gone = {key: before[key] for key in before if key not in after}
    come = {key: after[key] for key in after if key not in before}
    yield from _came_and_went(path, "map", gone, come)
    for key in before:
        if key in after:
            yield from _differences(_below(path, key), before[key], after[key])


def _of_lists(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Difference]:
    old, new = _by_name(before), _by_name(after)
    if old is None or new is None:
        gone, come = _without(before, after), _without(after, before)
        if gone or come:
            yield from _came_and_went(path, "list", gone, come)
        elif _differ(before, after):
            yield Difference(path, ("⇆ order changed",))
        return
    gone, come = [old[key] for key in old if key not in new], [new[key] for key in new if key not in old]
    yield from _came_and_went(path, "list", gone, come)
    for key in old:
        if key in new:
            yield from _differences(_below(path, key), old[key], new[key])


def _came_and_went(
    path: str, entry: str, gone: Collection[Any], come: Collection[Any]
) -> Iterator[Difference]:
    lines: list[str] = []
    for sign, verb, values in (("-", "removed", gone), ("+", "added", come)):
        if values:
            count = len(values)
            number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
            noun = "entry" if count == 1 else "entries"
            lines += [f"{sign} {number} {entry} {noun} {verb}:", *(f"  {line}" for line in _lines(values))]
    if lines:
        yield Difference(path, tuple(lines))


def _by_name(items: Sequence[Any]) -> dict[str, Any] | None:
    """The items by their names; None unless every one has its own."""
    named = {
        item["name"]: item for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)
    }
    return named if len(named) == len(items) else None


def _without(items: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """What is in the first and not in the second, counting repetitions."""
    rest = [_canonical(other) for other in others]
    left = []
    for item in items:
        key = _canonical(item)
        if key in rest:
            rest.remove(key)
        else:
            left.append(item)
    return left


def _differ(before: Any, after: Any) -> bool:
    return _canonical(before) != _canonical(after)


def _canonical(value: Any) -> str:
    # Not ==, to which true and 1 are the same.
    return write(value)


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _lines(value: Any) -> list[str]:
    return value.split("\n") if isinstance(value, str) else write(value).rstrip("\n").split("\n")
