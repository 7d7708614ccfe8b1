"""What a kyaml node knows beyond its JSON value: how the file spelled it.

kustomize changes YAML nodes, not values: `1.10` copied into a text is `1.10`, an annotation
`0x1F` becomes the text "0x1F", and a patch drops `key:` but keeps `key: null`. Where the text
of a scalar cannot be told from its value, the value carries it.
"""

from typing import Any

from shared.logic.go_scalars import go_float


class Blank:
    """The null of a value that is left out (`key:`), which kyaml tells from a written `null`."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "BLANK"


class FlowBlank(Blank):
    """One between brackets or braces (`{key: }`): as kyaml writes it out, it is an empty text."""

    __slots__ = ()


BLANK = Blank()
FLOW_BLANK = FlowBlank()


class SpelledInt(int):
    """An integer whose text in the file is not the one that its value would be given (`0x1F`)."""

    text: str


class SpelledFloat(float):
    """A number whose text in the file is not the one that its value would be given (`1.10`)."""

    text: str


class SpelledText(str):
    """A time, which the file spells in another way than it is written in the end."""

    __slots__ = ("text",)
    text: str


def spelled(value: Any, text: str) -> Any:
    """The value, remembering the file's text for it where that cannot be told from the value."""
    if isinstance(value, bool) or value is None:
        return BLANK if not text else value
    if isinstance(value, int):
        result: Any = value if str(value) == text else SpelledInt(value)
    elif isinstance(value, float):
        result = value if repr(value) == text else SpelledFloat(value)
    else:
        result = value if value == text else SpelledText(value)
    if result is not value:
        result.text = text
    return result


def scalar_text(value: Any) -> str:
    """The text of a scalar as a YAML node holds it, whatever its type."""
    match value:
        case SpelledInt() | SpelledFloat() | SpelledText():
            return value.text
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Blank():
            return ""
        case float():
            return go_float(value)
        case _:
            return str(value)


def plain_json(value: Any) -> Any:
    """The value in JSON's own types alone: what `spelled` added is taken away."""
    match value:
        case dict():
            return {key: plain_json(item) for key, item in value.items()}
        case list():
            return [plain_json(item) for item in value]
        case SpelledInt():
            return int(value)
        case SpelledFloat():
            return float(value)
        case SpelledText():
            return str(value)
        case FlowBlank():
            return ""
        case Blank():
            return None
        case _:
            return value


def flow_blanks(value: Any) -> Any:
    """The value of a flow collection, whose blanks are those of flow. Changes it in place."""
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = flow_blanks(item)
    elif isinstance(value, list):
        value[:] = [flow_blanks(item) for item in value]
    return FLOW_BLANK if value is BLANK else value
