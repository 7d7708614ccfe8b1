"""Write images into YAML: only the marked scalars change, every other byte stays (spec image 14, 15). Pure.

The parser says where each scalar begins and ends; the new text is spliced in there. The result is parsed
again and compared, so that an edit which would change anything else is an error and never a commit.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yaml.resolver import Resolver

from controllers.image_automation.markers import Setters
from controllers.image_automation.yaml_scan import ObjectId, Scalar, UnreadableYaml, scan
from shared.logic.go_scalars import BadScalar, Dialect, resolve

_BOM = "\ufeff"
_STRING_TAGS = ("!", "!!str", "!<tag:yaml.org,2002:str>")


class EditDamages(Exception):
    """The edited text would not say what was meant."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that got another value; `setter` is the marker, `object` the document that it is in."""

    object: ObjectId
    old: str
    new: str
    setter: str


@dataclass(frozen=True, slots=True)
class Edited:
    """The whole new text, and what is different in it."""

    text: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    text: str


def edit(text: str, setters: Setters) -> Edited:
    """Give every marked scalar its value. Raises UnreadableYaml, EditDamages."""
    bom = _BOM if text.startswith(_BOM) else ""
    body = text.removeprefix(_BOM)
    scanned = scan(body)
    splices: list[_Splice] = []
    changes: list[Change] = []
    expected = list(scanned.gist)
    for scalar in scanned.scalars:
        found = next((each for comment in scalar.comments if (each := setters.find(comment))), None)
        if found is None or found[1] == scalar.value:
            continue
        setter, new = found
        changes.append(Change(scanned.objects[scalar.document], scalar.value, new, setter))
        splices.append(_splice(body, scalar, new))
        expected[scalar.number] = (*expected[scalar.number][:2], new)
    if not changes:
        return Edited(text, ())
    edited = "".join(_pieces(body, splices))
    _require_same(edited, expected)
    return Edited(bom + edited, tuple(changes))


def _splice(text: str, scalar: Scalar, new: str) -> _Splice:
    prefix = _kept_properties(text[scalar.start : scalar.content])
    if scalar.style in {"|", ">"}:
        # The comment stands between the indicator and the content, so both go round it.
        comment, ending = scalar.comments[0], _line_endings(text[scalar.content : scalar.end])
        return _Splice(scalar.start, scalar.end, f"{prefix}{_plain(new)} {comment}{ending}")
    token = _quoted(new, scalar.style) if scalar.style else _plain(new)
    return _Splice(scalar.start, scalar.end, prefix + token)


def _kept_properties(text: str) -> str:
    """Anchors stay, and tags that say that the value is text; `!!int` would be wrong now."""
    words = [word for word in text.split() if not word.startswith("!") or word in _STRING_TAGS]
    if words == text.split():
        return text
    return "".join(f"{word} " for word in words)


def _line_endings(block: str) -> str:
    """Those at the end of a block, empty lines included; none at the end of a text without one."""
    return block[len(block.rstrip("\r\n")) :]


def _quoted(value: str, quote: str) -> str:
    return "'" + value.replace("'", "''") + "'" if quote == "'" else json.dumps(value)


def _plain(value: str) -> str:
    return value if value and _is_text(value) else json.dumps(value)


def _is_text(value: str) -> bool:
    """Is it a string to each of the parsers that will meet it: YAML 1.1, and Go's two dialects of it?"""
    try:
        texts = [resolve(value, dialect) for dialect in (Dialect.KUBERNETES, Dialect.KYAML)]
    except BadScalar:
        return False
    return all(text == value and isinstance(text, str) for text in texts) and not any(
        pattern.match(value) for _, pattern in Resolver.yaml_implicit_resolvers.get(value[0], ())
    )


def _pieces(text: str, splices: Sequence[_Splice]) -> Iterator[str]:
    position = 0
    for splice in splices:
        yield text[position : splice.start]
        yield splice.text
        position = splice.end
    yield text[position:]


def _require_same(text: str, expected: Sequence[tuple[str, str, str]]) -> None:
    try:
        found = scan(text).gist
    except UnreadableYaml as error:
        raise EditDamages(f"the edited text would be no YAML: {error}") from error
    if found != list(expected):
        raise EditDamages("the edit would change more than the marked values")
