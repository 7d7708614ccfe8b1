"""A decrypted value as the YAML scalar that stands in the place of the encrypted one."""

from __future__ import annotations

from controllers.kustomize.sops.values import Leaf, Moment
from controllers.kustomize.sops.yaml_nodes import Scalar
from shared.logic.go_yaml import write

_STEP = 4
_UNICODE_BREAKS = "\x85\u2028\u2029"


def rendered(value: Leaf, place: Scalar) -> str:
    """The scalar's text, with the indentation that its place needs. Only block texts take several lines."""
    if isinstance(value, Moment):
        return str(value) if _plain_moment(value) else _quoted(value)
    if isinstance(value, str) and (place.in_flow or any(char in value for char in _UNICODE_BREAKS)):
        return _quoted(value)
    written = write([value]).removeprefix("- ").removesuffix("\n")
    if not isinstance(value, str) or "\n" not in written:
        return written
    if written.startswith("|"):
        return _literal(value, place)
    if written.startswith('"'):
        return _quoted(value)
    # SOPS does not fold long lines; a fold stands for the space that it took away.
    return " ".join(line.removeprefix("  ") for line in written.split("\n"))


def _quoted(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    code = ord(char)
    if char in '"\\':
        return "\\" + char
    if char.isprintable() and code < 0x10000 and char != "\ufeff":
        return char
    known = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    return known or (f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}")


def _literal(text: str, place: Scalar) -> str:
    """A block of lines, as go-yaml v3 indents it."""
    hinted = text[0] in " \n"
    column = _indentation(place, hinted=hinted)
    body = text.rstrip("\n")
    trailing = len(text) - len(body)
    chomp = "-" if trailing == 0 else "" if trailing == 1 and body else "+"
    hint = str(column - _parent(place)) if hinted else ""
    lines = text.split("\n")[: -1 if trailing else None]
    return "\n".join([f"|{hint}{chomp}", *(" " * column + line if line else "" for line in lines)])


def _parent(place: Scalar) -> int:
    """The column that an indentation hint counts from."""
    return place.column - 2 if place.in_list else place.column


def _indentation(place: Scalar, *, hinted: bool) -> int:
    if place.in_list:
        return _parent(place) + (_STEP if hinted else 2)
    return _STEP * ((place.column + _STEP) // _STEP)


def _plain_moment(text: str) -> bool:
    return text[:1].isdigit() and all(char in "0123456789-:.TZ+" for char in text)
