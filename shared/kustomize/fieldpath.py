"""Field paths of replacements and variables: dots between steps, `[name=web]` and `*` in lists."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from shared.kustomize.errors import ReplacementFailed
from shared.kustomize.merge.strategic import is_null
from shared.kustomize.selectors import compiled_regex
from shared.logic.go_spelling import scalar_text


class Place(NamedTuple):
    """Where a value is: its container, and the key or index in it."""

    container: Any
    key: str | int

    @property
    def value(self) -> Any:
        return self.container[self.key]

    def put(self, value: Any) -> None:
        self.container[self.key] = value


class _Created:
    """A scalar that a path has just made; it takes the type of what is written to it."""


CREATED: Any = _Created()
MAPPING, LIST, SCALAR = dict, list, _Created


@lru_cache(maxsize=1024)
def split(path: str) -> tuple[str, ...]:
    r"""The steps of a path. Brackets keep their dots, and `\.` is a dot."""
    steps: list[str] = []
    for part in path.split("."):
        if steps and steps[-1].endswith("\\"):
            steps[-1] = steps[-1][:-1] + "." + part
        elif steps and steps[-1].startswith("[") and not steps[-1].endswith("]"):
            steps[-1] += "." + part
            if part.endswith("]") and "=" not in steps[-1]:
                steps[-1] = steps[-1][1:-1]  # brackets around a name that has dots
        else:
            steps.append(part)
    return tuple(steps)


def lookup(obj: Any, path: str, missing: Any = None) -> Any:
    """The value at a path, `missing` where there is none. Raises ReplacementFailed for an impossible step."""
    for raw in split(path):
        step = raw.strip()
        if not step:
            continue
        if obj is missing or is_null(obj):
            return missing
        if step == "-" or step.isdigit():
            if not isinstance(obj, list):
                raise ReplacementFailed(f"{path!r}: step {step!r} needs a list")
            index = len(obj) - 1 if step == "-" else int(step)
            obj = obj[index] if 0 <= index < len(obj) else missing
        elif step.startswith("[") and step.endswith("]"):
            obj = _element(obj, step, path)
        elif isinstance(obj, dict):
            obj = obj.get(step, missing)
        else:
            raise ReplacementFailed(f"{path!r}: step {step!r} needs a mapping")
    return obj


def _element(obj: Any, step: str, path: str) -> Any:
    name, value = _condition(step, path)
    if not isinstance(obj, list):
        raise ReplacementFailed(f"{path!r}: step {step!r} needs a list")
    for item in obj:
        if not name:
            if not isinstance(item, dict | list) and scalar_text(item) == value:
                return item
        elif isinstance(item, dict) and name in item and _scalar(item[name]) == value:
            return item
    return None


def _condition(step: str, path: str) -> tuple[str, str]:
    name, equals, value = step[1:-1].partition("=")
    if not equals:
        raise ReplacementFailed(f"{path!r}: step {step!r} must be [field=value]")
    return name, value


def _scalar(value: Any) -> str:
    return "" if isinstance(value, dict | list) else scalar_text(value)


def places(obj: dict[str, Any], path: str, create: type | None) -> list[Place]:
    """Every place that a path leads to. Missing parts are made where `create` is the kind of the last.

    Raises ReplacementFailed for a step that cannot be taken.
    """
    root = [obj]
    return list(_find(Place(root, 0), split(path), path, create))


def _find(place: Place, steps: tuple[str, ...], path: str, create: type | None) -> Iterator[Place]:
    if not steps:
        yield place
        return
    step, rest = steps[0], steps[1:]
    value = place.value
    if step.isdigit():
        yield from _at_index(value, int(step), rest, path, create)
    elif step.startswith("[") and step.endswith("]"):
        yield from _at_condition(place, step, rest, path, create)
    elif step == "*":
        if is_null(value):
            return
        if not isinstance(value, list):
            raise ReplacementFailed(f"{path!r}: step '*' needs a list")
        for index in range(len(value)):
            yield from _find(Place(value, index), rest, path, create)
    else:
        yield from _at_field(place, step, rest, path, create)


def _at_field(
    place: Place, step: str, rest: tuple[str, ...], path: str, create: type | None
) -> Iterator[Place]:
    value = place.value
    if value is CREATED or (create is not None and is_null(value)):
        value = {}
        place.put(value)
    if is_null(value):
        return
    if not isinstance(value, dict):
        raise ReplacementFailed(f"{path!r}: step {step!r} needs a mapping")
    if step not in value:
        if create is None:
            return
        value[step] = _new(rest, create)
    yield from _find(Place(value, step), rest, path, create)


def _at_index(
    value: Any, index: int, rest: tuple[str, ...], path: str, create: type | None
) -> Iterator[Place]:
    if not isinstance(value, list):
        raise ReplacementFailed(f"{path!r}: index {index} needs a list")
    if index == len(value) and create is not None:
        value.append(_new(rest, create))
    if index >= len(value):
        raise ReplacementFailed(f"{path!r}: index {index} specified but only {len(value)} elements found")
    yield from _find(Place(value, index), rest, path, create)


def _at_condition(
    place: Place, step: str, rest: tuple[str, ...], path: str, create: type | None
) -> Iterator[Place]:
    name, pattern = _condition(step, path)
    value = place.value
    if is_null(value):
        return
    if not isinstance(value, list):
        raise ReplacementFailed(f"{path!r}: step {step!r} needs a list")
    matches = _searcher(pattern)
    found = False
    for index, item in enumerate(value):
        if name and not (isinstance(item, dict) and name in item):
            continue
        if not matches(_scalar(item[name] if name else item)):
            continue
        for match in _find(Place(value, index), rest if name else (), path, create):
            found = True
            yield match
    if not found and create is not None:
        value.append({name: pattern} if name else pattern)
        yield from _find(Place(value, len(value) - 1), rest if name else (), path, create)


@lru_cache(maxsize=256)
def _searcher(pattern: str) -> Callable[[str], bool]:
    if pattern.replace("-", "").replace("_", "").isalnum():
        return lambda text: pattern in text
    compiled = compiled_regex(pattern)
    return lambda text: compiled.search(text) is not None


def _new(rest: tuple[str, ...], create: type) -> Any:
    if rest:
        return [] if rest[0].isdigit() or rest[0] == "*" or rest[0].startswith("[") else {}
    return {} if create is MAPPING else [] if create is LIST else CREATED
