"""RFC 6901 pointers into JSON values: find, and copies with one place changed."""

from __future__ import annotations

from typing import Any

_ABSENT = object()
Steps = tuple[str, ...]


class InvalidPointer(ValueError):
    """The text is no JSON pointer."""


def parse_pointer(text: str) -> Steps:
    """`/metadata/annotations/a~1b` -> ("metadata", "annotations", "a/b"). Raises InvalidPointer."""
    if not text.startswith("/") or len(text) > 4_096:
        raise InvalidPointer(f"invalid JSON pointer {text[:100]!r}: it must begin with /")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/"))


def find(value: Any, steps: Steps) -> tuple[bool, Any]:
    """(whether it resolves, the value there)."""
    for step in steps:
        value = _child(value, step)
        if value is _ABSENT:
            return False, None
    return True, value


def without(value: Any, steps: Steps) -> Any:
    """A copy without that place; the value itself where the pointer does not resolve."""
    child = _child(value, steps[0])
    if child is _ABSENT:
        return value
    if len(steps) > 1:
        changed = without(child, steps[1:])
        return value if changed is child else _with_child(value, steps[0], changed)
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if key != steps[0]}
    return [item for index, item in enumerate(value) if index != int(steps[0])]


def with_value(value: Any, steps: Steps, new: Any) -> Any:
    """A copy with that place set; missing objects on the way are made, missing list items are not."""
    child = _child(value, steps[0])
    if len(steps) == 1:
        return _with_child(value, steps[0], new)
    if child is _ABSENT:
        if not isinstance(value, dict):
            return value
        child = {}
    return _with_child(value, steps[0], with_value(child, steps[1:], new))


def _child(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step, _ABSENT)
    if isinstance(value, list) and step.isascii() and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return _ABSENT


def _with_child(value: Any, step: str, child: Any) -> Any:
    if isinstance(value, dict):
        return {**value, step: child}
    if isinstance(value, list) and step.isascii() and step.isdecimal() and int(step) < len(value):
        return [child if index == int(step) else item for index, item in enumerate(value)]
    return value
