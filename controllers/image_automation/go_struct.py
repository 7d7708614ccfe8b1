"""A value that a Go template takes for a struct: named fields, printed as Go prints it, sorted like one."""

from collections.abc import Callable, Mapping
from typing import Any

_NO_FIELDS: Mapping[str, Callable[[], object]] = {}


class Struct:
    """`text` is how `%v` shows it; `computed` fields are called when a template uses them."""

    __slots__ = ("_computed", "_fields", "_text", "_type")

    def __init__(
        self,
        type_name: str,
        text: str,
        fields: Mapping[str, Any],
        computed: Mapping[str, Callable[[], object]] = _NO_FIELDS,
    ) -> None:
        self._type, self._text, self._fields, self._computed = type_name, text, fields, computed

    def __gotemplate_lookup__(self, field: str) -> object:
        from gotpl.errors import TemplateExecutionError

        if field in self._computed:
            return self._computed[field]()
        if field not in self._fields:
            raise TemplateExecutionError(f"can't evaluate field {field} in type {self._type}")
        return self._fields[field]

    def __go_format_value__(self, kind: str, mode: str, *, nested: bool) -> str:
        del mode, nested
        return self._type if kind == "type" else self._text

    def __str__(self) -> str:
        return self._text

    # The order of a map's keys is the order of this, and fields follow each other as in Go's struct.
    __repr__ = __str__

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Struct) and (self._type, self._text) == (other._type, other._text)

    def plain(self) -> dict[str, object]:
        return {name: plain(value) for name, value in self._fields.items()}


def plain(value: object) -> object:
    """The value as JSON could hold it."""
    if isinstance(value, Struct):
        return value.plain()
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value
