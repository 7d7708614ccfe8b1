"""Helm's grammar of `--set`: `a.b[0].c=value`, into values that exist (specs/helm.md 7.4).

A dot goes down, a backslash takes the next character as it is, `[n]` is an index of a list, a comma ends a
value and begins the next key, `{a,b}` is a list. Bounds are Helm's where it has them (index, names), ours
where it would go on for ever (nested indexes, length of all lists together).
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

MAX_INDEX = 65536
MAX_NAMES = 30
MAX_NESTED_LISTS = 30
_MAX_ELEMENTS = 1_000_000
_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT64 = range(-(2**63), 2**63)
_STOPS = {stops: re.compile(rf"[{re.escape(stops)}\\]") for stops in ("=[,.", "[.=", "]", ",", ",}")}


class Int64(int):
    """A number that `--set` made: Helm has it as an integer, and all other numbers of values as floats."""

    __slots__ = ()


class BadSetting(ValueError):
    """A path or value that `--set` does not accept."""


class _Ended(Exception):
    """The text ended where another character was possible."""


def set_line(values: dict[str, Any], line: str, *, as_text: bool = False) -> None:
    """Set what `line` (`path=value`, or several with commas) says, in place.

    Values are `true`, `false`, `null`, Int64, `{lists}` or text; with `as_text` always text.
    Raises BadSetting; what stood before the bad place has been set by then.
    """
    setting = _Setting(line, as_text=as_text)
    try:
        while True:
            setting.key(values, 0)
    except _Ended:
        return


def set_literal(values: dict[str, Any], path: str, value: str) -> None:
    """Set the text `value`, whatever is in it, at `path`, in place. Raises BadSetting."""
    set_line(values, f"{path}={_escaped(value)}", as_text=True)


def _escaped(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace(",", "\\,")
    return "\\" + escaped if escaped.startswith("{") else escaped


class _Setting:
    """A cursor over one line; each method eats what it understands."""

    _words: ClassVar = {"true": True, "false": False, "null": None, "0": Int64(0)}

    def __init__(self, line: str, *, as_text: bool) -> None:
        self._line = line
        self._at = 0
        self._as_text = as_text
        self._elements = 0
        self._ours: dict[int, list[Any]] = {}

    def key(self, into: dict[str, Any], names: int) -> None:
        """One `name...=value`, where `into` is what the names so far lead to."""
        name, stop, found = self._until("=[,.")
        if not found:
            if not name:
                raise _Ended
            raise BadSetting(f'key "{name}" has no value')
        if stop == "[":
            self._key_of_list(into, name, names)
        elif stop == "=":
            self._value_into(into, name)
        elif stop == ",":
            raise BadSetting(f'key "{name}" has no value (cannot end with ,)')
        else:
            self._key_of_map(into, name, names + 1)

    def _key_of_map(self, into: dict[str, Any], name: str, names: int) -> None:
        if names > MAX_NAMES:
            raise BadSetting(
                f"value name nested level is greater than maximum supported nested level of {MAX_NAMES}"
            )
        inner = into.get(name, {})
        if not isinstance(inner, dict):
            raise BadSetting(f'key "{name}" is {_type(inner)} in the values, not a map')
        try:
            self.key(inner, names)
        finally:
            if inner and name:
                into[name] = inner
        if not inner:
            raise BadSetting(f'key map "{name}" has no value')

    def _key_of_list(self, into: dict[str, Any], name: str, names: int) -> None:
        index = self._index()
        items = into.get(name, [])
        if not isinstance(items, list):
            raise BadSetting(f'key "{name}" is {_type(items)} in the values, not a list')
        holder = [items]
        try:
            self._item(holder, index, names, 1)
        finally:
            if name:
                into[name] = holder[0]

    def _item(self, holder: list[list[Any]], index: int, names: int, lists: int) -> None:
        """What follows `[index]`, set in the list that `holder` holds or in a longer one in its place."""
        rest, stop, found = self._until("[.=")
        if rest:
            raise BadSetting(f'unexpected data at end of array index: "{rest}"')
        if not found:
            raise _Ended
        items = holder[0]
        if stop == "=":
            value = self._value()
        elif stop == "[":
            value = self._item_of_list(items, index, names, lists + 1)
        else:
            value = items[index] if index < len(items) else {}
            if not isinstance(value, dict):
                value = items[index] = {}
            self.key(value, names)
        holder[0] = self._placed(items, index, value)

    def _item_of_list(self, items: list[Any], index: int, names: int, lists: int) -> list[Any]:
        if lists > MAX_NESTED_LISTS:
            raise BadSetting(f"lists are nested more than {MAX_NESTED_LISTS} deep")
        inner_index = self._index()
        inner = items[index] if index < len(items) else None
        if inner is not None and not isinstance(inner, list):
            raise BadSetting(f"index {index} is {_type(inner)} in the values, not a list")
        holder = [inner or []]
        self._item(holder, inner_index, names, lists)
        return holder[0]

    def _index(self) -> int:
        digits, _, found = self._until("]")
        if not found:
            raise _Ended
        if not _INTEGER.fullmatch(digits) or len(digits) > 20:
            raise BadSetting(f'error parsing index: "{digits[:40]}" is not a number')
        index = int(digits)
        if index < 0:
            raise BadSetting(f"negative {index} index not allowed")
        if index > MAX_INDEX:
            raise BadSetting(f"index of {index} is greater than maximum supported index of {MAX_INDEX}")
        return index

    def _placed(self, items: list[Any], index: int, value: Any) -> list[Any]:
        """The list with the value in it: the same if it is long enough, as others may share it (7.4)."""
        missing = index + 1 - len(items)
        if missing > 0:
            self._elements += missing
            if self._elements > _MAX_ELEMENTS:
                raise BadSetting(f"the lists of one setting have more than {_MAX_ELEMENTS} elements")
            if id(items) not in self._ours:
                items = list(items)
                self._ours[id(items)] = items
            items.extend([None] * missing)
        items[index] = value
        return items

    def _value_into(self, into: dict[str, Any], name: str) -> None:
        ended = self._at >= len(self._line)
        value = self._value()
        if name:
            into[name] = value
        if ended:
            raise _Ended

    def _value(self) -> Any:
        if self._line.startswith("{", self._at):
            self._at += 1
            return self._list()
        text, _, _ = self._until(",")
        return self._typed(text)

    def _list(self) -> list[Any]:
        values = []
        while True:
            text, stop, found = self._until(",}")
            if not found:
                raise BadSetting("list must terminate with '}'")
            values.append(self._typed(text))
            if stop == "}":
                if self._line.startswith(",", self._at):
                    self._at += 1
                return values

    def _typed(self, text: str) -> Any:
        if self._as_text:
            return text
        word = text.casefold()
        if word in self._words:
            return self._words[word]
        if not text.startswith("0") and len(text) <= 20 and _INTEGER.fullmatch(text) and int(text) in _INT64:
            return Int64(text)
        return text

    def _until(self, stops: str) -> tuple[str, str, bool]:
        """The text up to one of `stops`, that stop, and whether there was one; the stop is eaten."""
        taken: list[str] = []
        for match in _STOPS[stops].finditer(self._line, self._at):
            if match.start() < self._at:
                continue  # taken already: a backslash was before it
            taken.append(self._line[self._at : match.start()])
            self._at = match.end()
            if match.group() != "\\":
                return "".join(taken), match.group(), True
            taken.append(self._line[self._at : self._at + 1])
            self._at += 1
        taken.append(self._line[self._at :])
        self._at = len(self._line)
        return "".join(taken), "", False


def _type(value: Any) -> str:
    if value is None:
        return "null"
    return {bool: "a boolean", str: "text", dict: "a map", list: "a list"}.get(type(value), "a number")
