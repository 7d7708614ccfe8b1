"""What a plain YAML scalar means to Go: the two sets of rules that Kubernetes tools use.

`Dialect.KUBERNETES` is sigs.k8s.io/yaml (YAML 1.1 with go-yaml v2's extensions): how an API
server, kubectl and a kustomization file read a scalar. `Dialect.KYAML` is kustomize's own node
tree (go-yaml v3), by which resources and patches are read: `on` is text there, a date is a time.
"""

import base64
import binascii
import re
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any


class Dialect(Enum):
    """Whose rules decide what a scalar is."""

    KUBERNETES = "sigs.k8s.io/yaml"
    KYAML = "kyaml"


class BadScalar(ValueError):
    """A scalar that its tag does not allow, or that JSON cannot express (.inf, .nan)."""


_INT64_MIN, _INT64_MAX, _UINT64_MAX = -(2**63), 2**63 - 1, 2**64 - 1

# Only a scalar that begins with one of these can be anything but text.
_MAYBE_TYPED = frozenset("+-.0123456789~<nNtTfFyYoO")

_Words = Mapping[str, bool | None]
_NULLS: _Words = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_TRUE_FALSE: _Words = dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(
    ("false", "False", "FALSE"), False
)
_YAML_1_1: _Words = dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True) | dict.fromkeys(
    ("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False
)
WORDS: dict[Dialect, _Words] = {
    Dialect.KUBERNETES: {**_NULLS, **_TRUE_FALSE, **_YAML_1_1},
    Dialect.KYAML: {**_NULLS, **_TRUE_FALSE},
}
_NOT_JSON = frozenset(
    sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")
) | frozenset((".nan", ".NaN", ".NAN"))

_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([0-9]+))", re.ASCII)
_BASES = (16, 2, 8, 10)
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]|[ ]+)([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.([0-9]{0,9}))?"
    r"(?:[ ]*(Z|[-+][0-9]{2}:[0-9]{2}))?)?",
    re.ASCII,
)


def resolve(text: str, dialect: Dialect) -> Any:
    """The JSON value of a plain scalar. Raises BadScalar for infinities and NaN."""
    if text and text[0] not in _MAYBE_TYPED:
        return text
    words = WORDS[dialect]
    if text in words:
        return words[text]
    if text in _NOT_JSON:
        raise BadScalar(f"{text} is a number that JSON cannot express")
    if text[0] not in "+-.0123456789":
        return text
    number = _number(text)
    if number is not None:
        return number
    if dialect is Dialect.KYAML and (moment := _timestamp(text)) is not None:
        return moment
    return text


def is_plain_text(text: str) -> bool:
    """Whether go-yaml v2 would read this, unquoted, as the text itself."""
    if text and text[0] not in _MAYBE_TYPED:
        return True
    if text in WORDS[Dialect.KUBERNETES] or text in _NOT_JSON:
        return False
    if text[0] not in "+-.0123456789":
        return True
    return _number(text) is None and _timestamp(text) is None and _BASE_60.fullmatch(text) is None


_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", re.ASCII)


def resolve_tagged(tag: str, text: str, dialect: Dialect) -> Any:
    """The value of a scalar under an explicit tag such as `!!int`; unknown tags mean text."""
    short = tag.removeprefix("tag:yaml.org,2002:")
    match short:
        case "int" | "float" | "bool" | "null":
            value = resolve(text, dialect)
            if not _fits(short, value):
                raise BadScalar(f"cannot read {text!r} as !!{short}")
            return value
        case "binary":
            try:
                return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
            except binascii.Error as error:
                raise BadScalar("!!binary value contains invalid base64 data") from error
        case _:
            return text


def _fits(tag: str, value: Any) -> bool:
    match tag:
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "bool":
            return isinstance(value, bool)
        case _:
            return value is None


def key_text(value: Any) -> str | None:
    """The text that sigs.k8s.io/yaml makes of a mapping's key; None where it refuses."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float32_text(value)
        case _:
            return None


def _number(text: str) -> int | float | None:
    plain = text.replace("_", "")
    if (match := _INTEGER.fullmatch(plain)) is not None:
        return _integer(match, plain)
    if _FLOAT.fullmatch(text if text[0] == "." else plain) is None:
        return None
    return _finite(float(plain))


def _integer(match: re.Match[str], plain: str) -> int | float | None:
    sign, *digits = match.groups()
    group, base = next((d, b) for d, b in zip(digits, _BASES, strict=True) if d is not None)
    if base == 10 and len(group) > 1 and group[0] == "0":
        return _finite(float(plain))  # 08 is no octal number, but it is a float
    if len(group) > 400:
        return None  # beyond any float; int() would refuse or take its time
    value = int(group, base)
    if sign == "-":
        value = -value
    if value > _UINT64_MAX or value < _INT64_MIN or (sign == "+" and value > _INT64_MAX):
        return _finite(float(plain)) if _FLOAT.fullmatch(plain) else None
    return value


def _finite(value: float) -> int | float | None:
    """Go writes an integral float as a JSON integer, and that is how Kubernetes reads it back."""
    if value in (float("inf"), float("-inf")):
        return None
    if value.is_integer() and abs(value) < _INT64_MAX:
        return int(value)
    return value


def _timestamp(text: str) -> str | None:
    """RFC 3339 as Go writes the time that go-yaml reads here; None when it is no time."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if hour is not None and (len(month) != 2 or len(day) != 2) and "T" not in text.upper():
        return None
    offset = UTC if zone in (None, "Z") else _zone(zone)
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=offset
        )
    except ValueError:
        return None
    written = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    decimals = (fraction or "").rstrip("0")
    suffix = "Z" if not moment.utcoffset() else zone
    return f"{written}{'.' + decimals if decimals else ''}{suffix}"


def _zone(text: str) -> timezone:
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    if minutes >= 24 * 60:
        return UTC
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _float32_text(value: float) -> str:
    """A float key in the shortest digits that a 32-bit float needs, as Go's library writes it."""
    try:
        narrow = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return "+Inf" if value > 0 else "-Inf"
    for digits in range(1, 10):
        text = f"{narrow:.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == narrow:
            return go_float(float(text))
    return go_float(narrow)


def go_float(value: float) -> str:
    """A float as Go's strconv writes it with format 'g' and the shortest precision."""
    shortest = repr(value)
    if value == 0:
        return shortest.removesuffix(".0")
    power = Decimal(shortest).adjusted()
    if -4 <= power < 6:
        return shortest.removesuffix(".0")
    mantissa = shortest.partition("e")[0].lstrip("-").replace(".", "").strip("0")
    return _scientific(mantissa, power, negative=value < 0)


def _scientific(mantissa: str, power: int, *, negative: bool) -> str:
    body = mantissa[0] + ("." + mantissa[1:] if len(mantissa) > 1 else "")
    return f"{'-' if negative else ''}{body}e{'-' if power < 0 else '+'}{abs(power):02d}"
