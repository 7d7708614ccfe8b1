"""Read typed values out of parsed configuration, as Go's JSON decoder does with a struct.

Names of fields are matched exactly, else without regard to case; null means the zero value;
anything of another type is an error that names the field. Unknown fields are errors where the
caller asks for it: in a kustomization file, not in the configuration of a transformer.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from shared.kustomize.errors import KustomizationInvalid
from shared.logic.go_spelling import scalar_text

T = TypeVar("T")
# Takes a value and the path of the field, for messages.
Decoder = Callable[[Any, str], T]
# Field in the file -> (attribute, decoder).
Shape = Mapping[str, tuple[str, Decoder[Any]]]


def text(value: Any, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise KustomizationInvalid(f"{where}: expected a string, found {_kind(value)}")
    return value


def loosely(value: Any) -> Any:
    """A scalar as text, in lists and mappings too: what a transformer's own file may hold for a text."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return scalar_text(value)
        case list():
            return [loosely(item) for item in value]
        case dict():
            return {key: loosely(item) for key, item in value.items()}
        case _:
            return value


def flag(value: Any, where: str) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise KustomizationInvalid(f"{where}: expected true or false, found {_kind(value)}")
    return value


def integer(value: Any, where: str) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise KustomizationInvalid(f"{where}: expected an integer, found {_kind(value)}")
    return value


def anything(value: Any, _where: str) -> Any:
    return value


def listing(of: Decoder[T]) -> Decoder[list[T]]:
    """A list; null is the empty one."""

    def decode(value: Any, where: str) -> list[T]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise KustomizationInvalid(f"{where}: expected a list, found {_kind(value)}")
        return [of(item, f"{where}[{index}]") for index, item in enumerate(value)]

    return decode


def mapping(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise KustomizationInvalid(f"{where}: expected a mapping, found {_kind(value)}")
    return value


def text_map(value: Any, where: str) -> dict[str, str]:
    return {key: text(item, f"{where}.{key}") for key, item in mapping(value, where).items()}


def optional(of: Decoder[T]) -> Decoder[T | None]:
    """None where the field is absent or null."""
    return lambda value, where: None if value is None else of(value, where)


def structure(make: Callable[..., T], shape: Shape, *, strict: bool = False) -> Decoder[T]:
    """An object built by `make` from the fields of a mapping."""
    folded = {name.lower(): name for name in shape}

    def decode(value: Any, where: str) -> T:
        attributes: dict[str, Any] = {}
        for key, item in mapping(value, where).items():
            name = key if key in shape else folded.get(key.lower())
            path = f"{where}.{key}" if where else key
            if name is None:
                if strict:
                    raise KustomizationInvalid(f"unknown field {path!r}")
                continue
            attribute, decoder = shape[name]
            attributes[attribute] = decoder(item, path)
        return make(**attributes)

    return decode


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case str():
            return "a string"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "a mapping"
