"""Write JSON values as YAML the way Go's sigs.k8s.io/yaml does, byte for byte.

Keys are sorted in go-yaml's natural order (`a2` before `a10`), lists are not indented below
their key, and a string is quoted exactly when reading it back unquoted would give another value.
"""

import re
from functools import cmp_to_key, lru_cache
from typing import Any

from shared.logic.go_scalars import go_float, is_plain_text

# Nothing in such a text can be taken for YAML syntax, whatever stands around it.
_HARMLESS = re.compile(r"[A-Za-z_/$(][A-Za-z0-9_./$()+=;@-]*(?:[ :,][A-Za-z0-9_./$()+=;@-]+)*")
_BREAKS = "\n\r\x85\u2028\u2029"
_INDICATORS_FIRST = frozenset("#,[]{}&*!|>'\"%@`")
_SHORT_ESCAPES = {
    "\x00": "0", "\x07": "a", "\x08": "b", "\t": "t", "\n": "n", "\x0b": "v", "\x0c": "f", "\r": "r",
    "\x1b": "e", '"': '"', "\\": "\\", "\x85": "N", "\xa0": "_", "\u2028": "L", "\u2029": "P",
}  # fmt: skip
# Where the emitter begins to look for a place to break a line, and the bytes a key may have before its colon.
_WIDTH = 80
_LONGEST_KEY = 128
_UNPRINTABLE = re.compile("[^\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]")


def write(value: Any, sort_keys: bool = True) -> str:  # noqa: FBT001, FBT002 - the name of PyYAML's own flag
    """One document. Keys keep their order where `sort_keys` is false."""
    lines: list[str] = []
    if isinstance(value, dict) and value:
        _mapping(lines, value, "", "", sort_keys)
    elif isinstance(value, list) and value:
        _sequence(lines, value, "", "", sort_keys)
    else:
        lines.append(_leaf(value, "  ", 0))
    lines.append("")
    return "\n".join(lines)


def _mapping(lines: list[str], value: dict[str, Any], first: str, indent: str, sort_keys: bool) -> None:  # noqa: FBT001
    """Append the lines of a mapping; `first` stands before the first key (`- ` in a list)."""
    deeper = indent + "  "
    for key in _sorted_keys(tuple(value)) if sort_keys else value:
        item = value[key]
        kind = type(item)
        name = _key(key)
        if name is None:
            _long_key(lines, (key, item), first, indent, sort_keys)
            first = indent
            continue
        head = f"{first}{name}:"
        first = indent
        if kind is str:
            text = _plain(item)
            if text is None or (len(head) + len(text) >= _WIDTH and " " in text):
                text = _text(item, deeper, len(head) + 1)
            lines.append(f"{head} {text}")
        elif kind is dict and item:
            lines.append(head)
            _mapping(lines, item, deeper, deeper, sort_keys)
        elif kind is list and item:
            lines.append(head)
            _sequence(lines, item, indent, indent, sort_keys)
        else:
            lines.append(f"{head} {_leaf(item, deeper, len(head) + 1)}")


def _sequence(lines: list[str], value: list[Any], first: str, indent: str, sort_keys: bool) -> None:  # noqa: FBT001
    deeper = indent + "  "
    for item in value:
        kind = type(item)
        head = first + "- "
        first = indent
        if kind is dict and item:
            _mapping(lines, item, head, deeper, sort_keys)
        elif kind is list and item:
            _sequence(lines, item, head, deeper, sort_keys)
        else:
            lines.append(head + _leaf(item, deeper, len(head)))


def _long_key(lines: list[str], pair: tuple[str, Any], first: str, indent: str, sort_keys: bool) -> None:  # noqa: FBT001
    """A key that is too long, or has several lines, stands behind a `?` of its own."""
    key, item = pair
    deeper = indent + "  "
    lines.append(f"{first}? {_text(key, deeper, len(first) + 2)}")
    head = indent + ": "
    if isinstance(item, dict) and item:
        _mapping(lines, item, head, deeper, sort_keys)
    elif isinstance(item, list) and item:
        _sequence(lines, item, head, deeper, sort_keys)
    else:
        lines.append(head + _leaf(item, deeper, len(head)))


def _leaf(value: Any, indent: str, column: int) -> str:
    match value:
        case str():
            return _text(value, indent, column)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value)) if -(2**63) <= value < 2**64 else go_float(float(value))
        case float():
            return _float(value)
        case dict():
            return "{}"
        case list():
            return "[]"
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON value")


def _float(value: float) -> str:
    """An integral float becomes an integer where JSON on the way would have made it one."""
    if value.is_integer() and -(2**63) < value < 2**64:
        digits, _, exponent = repr(value).partition("e")
        zeros = int(exponent or 0) - len(digits.partition(".")[2])
        return digits.replace(".", "") + "0" * zeros if exponent else digits.removesuffix(".0")
    return go_float(value)


@lru_cache(maxsize=8192)
def _key(key: str) -> str | None:
    """The key as it stands before its colon; None if it cannot."""
    if len(key.encode("utf-8", "surrogatepass")) > _LONGEST_KEY or any(char in key for char in _BREAKS):
        return None
    written = _plain(key)
    if written is not None:
        return written
    return _double_quoted(key, "", -len(key) * 10) if _needs_double_quotes(key) else _single_quoted(key)


@lru_cache(maxsize=16384)
def _plain(text: str) -> str | None:
    """The text itself where it may stand unquoted; else None."""
    if _HARMLESS.fullmatch(text) is not None:
        return text if is_plain_text(text) else None
    return text if is_plain_text(text) and _plain_allowed(text) else None


def _plain_allowed(text: str) -> bool:
    """What libyaml's analysis of a scalar permits in block context."""
    if not text or text[0] in _INDICATORS_FIRST or text[0] == " " or text[-1] == " ":
        return False
    if text.startswith(("---", "...")) or text[-1] == ":" or ": " in text or " #" in text:
        return False
    if text[0] in "-?:" and (len(text) == 1 or text[1] == " "):
        return False
    return not (_UNPRINTABLE.search(text) or any(char in text for char in _BREAKS))


def _text(text: str, indent: str, column: int) -> str:
    """A string at a column: plain, as a literal block, single- or double-quoted; folded if it is long."""
    plain = _plain(text)
    if plain is not None:
        return _folded(plain, indent, column)
    if "\n" in text:
        spaced = text.endswith(" ") or any(f" {char}" in text for char in _BREAKS)
        special = _UNPRINTABLE.search(text) is not None
        return _double_quoted(text, indent, column) if special or spaced else _literal(text, indent)
    if _needs_double_quotes(text):
        return _double_quoted(text, indent, column)
    return _folded(_single_quoted(text), indent, column)


def _needs_double_quotes(text: str) -> bool:
    # Go writes Unicode's line breaks as they are, and reads them back as spaces: not followed here.
    if any(char in text for char in _BREAKS):
        return True
    return not text or _UNPRINTABLE.search(text) is not None or not is_plain_text(text)


def _single_quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _folded(text: str, indent: str, column: int) -> str:
    """Break at single spaces beyond the width, as the emitter does. Quotes never stand alone."""
    if column + len(text) <= _WIDTH or " " not in text:
        return text
    quoted = text[0] == "'"
    lines, start = [], 0
    at = text.find(" ", 2 if quoted else 1)
    while at >= 0:
        alone = text[at - 1] != " " and text[at + 1 : at + 2] != " "
        if column + at - start > _WIDTH and alone and not (quoted and at + 2 >= len(text)):
            lines.append(text[start:at])
            start, column = at + 1, len(indent)
        at = text.find(" ", at + 1)
    lines.append(text[start:])
    return f"\n{indent}".join(lines)


def _literal(text: str, indent: str) -> str:
    hint = "2" if text[0] in " \n\x85\u2028\u2029" else ""
    body = text.rstrip("\n")
    trailing = len(text) - len(body)
    chomp = "-" if trailing == 0 else "" if trailing == 1 and body else "+"
    indent = indent or "  "
    lines = [f"|{hint}{chomp}"]
    lines += [indent + line if line else "" for line in text.split("\n")]
    if trailing:
        lines.pop()
    return "\n".join(lines)


def _double_quoted(text: str, indent: str, column: int) -> str:
    # The emitter takes a byte order mark in front for a reason to escape everything after it.
    escape = _escaped if text.startswith("\ufeff") else _maybe_escaped
    pieces = ['"']
    column += 1
    spaces = False
    last = len(text) - 1
    for index, char in enumerate(text):
        piece = escape(char)
        if piece == " " and not spaces and column > _WIDTH and 0 < index < last:
            piece = f"\n{indent}" + ("\\" if text[index + 1] == " " else "")
            column = len(piece) - 1
        else:
            column += len(piece)
        spaces = char == " "
        pieces.append(piece)
    pieces.append('"')
    return "".join(pieces)


def _maybe_escaped(char: str) -> str:
    if char in '"\\' or char in _BREAKS or _UNPRINTABLE.match(char):
        return _escaped(char)
    return char


def _escaped(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return "\\" + _SHORT_ESCAPES[char]
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


@lru_cache(maxsize=4096)
def _sorted_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    if all(key.isalpha() and key.isascii() for key in keys):
        return tuple(sorted(keys))
    return tuple(sorted(keys, key=cmp_to_key(_compare)))


def _compare(left: str, right: str) -> int:
    """go-yaml's order of keys: letters after the rest, digits by the number that they make."""
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a == b:
            continue
        if a.isalpha() and b.isalpha():
            return -1 if a < b else 1
        if a.isalpha() or b.isalpha():
            return -1 if b.isalpha() else 1
        return _compare_digits(left, right, index)
    return len(left) - len(right)


def _compare_digits(left: str, right: str, index: int) -> int:
    lead = 0
    if "0" in (left[index], right[index]):
        before = index - 1
        while before >= 0 and left[before].isdecimal():
            if left[before] != "0":
                lead = 1
                break
            before -= 1
    a, a_end = _number_at(left, index, lead)
    b, b_end = _number_at(right, index, lead)
    if a != b:
        return -1 if a < b else 1
    if a_end != b_end:
        return -1 if a_end < b_end else 1
    return -1 if left[index] < right[index] else 1


def _number_at(text: str, index: int, number: int) -> tuple[int, int]:
    while index < len(text) and text[index].isdecimal():
        number = number * 10 + int(text[index])
        index += 1
    return number, index
