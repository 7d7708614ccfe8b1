"""JSON patches (RFC 6902) as the library that kustomize uses applies them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.kustomize.errors import LimitExceeded, PatchFailed
from shared.kustomize.resource import copied, copied_within_bounds

_NEEDS_VALUE = ("add", "replace", "test")
_NEEDS_FROM = ("move", "copy")


@dataclass(frozen=True, slots=True)
class Operation:
    op: str
    path: str
    value: Any = None
    source: str = ""


def parse_operations(value: Any, shown: str, max_operations: int) -> list[Operation]:
    """The operations of a patch from its parsed text. Raises PatchFailed, LimitExceeded."""
    if not isinstance(value, list):
        raise PatchFailed(f"{shown}: a JSON patch is a list of operations")
    if len(value) > max_operations:
        raise LimitExceeded(f"{shown}: {len(value)} operations are more than {max_operations}")
    return [_operation(item, f"{shown}: operation {index + 1}") for index, item in enumerate(value)]


def _operation(item: Any, shown: str) -> Operation:
    if not isinstance(item, dict):
        raise PatchFailed(f"{shown} is not a mapping")
    op, path, source = item.get("op"), item.get("path"), item.get("from", "")
    if op not in ("add", "remove", *_NEEDS_VALUE, *_NEEDS_FROM):
        raise PatchFailed(f"{shown}: unexpected kind {op!r}")
    if not isinstance(path, str) or not isinstance(source, str):
        raise PatchFailed(f"{shown} ({op}): path and from must be texts")
    return Operation(op, path, item.get("value"), source)


def apply(obj: Any, operations: Sequence[Operation]) -> Any:
    """Apply the operations to a JSON value, in place where possible; returns it. Raises PatchFailed."""
    for operation in operations:
        try:
            _apply(obj, operation)
        except _Impossible as error:
            raise PatchFailed(f"{operation.op} operation does not apply: {operation.path}: {error}") from None
    return obj


class _Impossible(Exception):
    pass


def _apply(obj: Any, operation: Operation) -> None:
    match operation.op:
        case "add":
            _add(obj, operation.path, copied(operation.value))
        case "remove":
            container, key = _container(obj, operation.path)
            _take(container, key)
        case "replace":
            container, key = _container(obj, operation.path)
            if isinstance(container, list):
                container[_index(container, key)] = copied(operation.value)
            else:  # the key may be missing: the library sets it then
                container[key] = copied(operation.value)
        case "move":
            container, key = _container(obj, operation.source)
            _add(obj, operation.path, _take(container, key))
        case "copy":
            container, key = _container(obj, operation.source)
            # The library copies a key that is missing as a null.
            found = container.get(key) if isinstance(container, dict) else _get(container, key)
            _add(obj, operation.path, copied_within_bounds(found))
        case _:
            _test(obj, operation)


def _test(obj: Any, operation: Operation) -> None:
    container, key = _container(obj, operation.path)
    try:
        found = _get(container, key)
    except _Impossible:
        if operation.value is not None:
            raise
        found = None
    if not _same(found, operation.value):
        raise _Impossible("testing the value failed")


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _add(obj: Any, path: str, value: Any) -> None:
    container, key = _container(obj, path)
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        index = _number(key)
        if index < 0:
            index += len(container) + 1
        if not 0 <= index <= len(container):
            raise _Impossible(f"index {key} is out of bounds")
        container.insert(index, value)


def _container(obj: Any, path: str) -> tuple[Any, str]:
    """The mapping or list that holds the last step of a pointer, and that step."""
    steps = path.split("/")
    if len(steps) < 2:
        raise _Impossible("missing container")
    for step in steps[1:-1]:
        obj = _get(obj, _unescaped(step))
    if not isinstance(obj, dict | list):
        raise _Impossible("missing container")
    return obj, _unescaped(steps[-1])


def _get(container: Any, key: str) -> Any:
    if isinstance(container, list):
        return container[_index(container, key)]
    if not isinstance(container, dict) or key not in container:
        raise _Impossible(f"missing key {key!r}")
    return container[key]


def _take(container: Any, key: str) -> Any:
    if isinstance(container, list):
        return container.pop(_index(container, key))
    if key not in container:
        raise _Impossible(f"missing key {key!r}")
    return container.pop(key)


def _index(container: list[Any], key: str) -> int:
    index = _number(key)
    if index < 0:
        index += len(container)
    if not 0 <= index < len(container):
        raise _Impossible(f"index {key} is out of bounds")
    return index


def _number(key: str) -> int:
    digits = key.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        raise _Impossible(f"{key!r} is no index of a list")
    return int(key)


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")
