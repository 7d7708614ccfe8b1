"""Names, labels, ports: the forms of text that many fields share. A check returns what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from localcluster.objects.causes import Cause, invalid

Check = Callable[[str], list[str]]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_NAME_PART = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_NAME_PART})?"
_LABEL_RE = re.compile(_LABEL)
_SUBDOMAIN_RE = re.compile(_SUBDOMAIN)
_NAME_PART_RE = re.compile(_NAME_PART)
_VALUE_RE = re.compile(_VALUE)
_KEY_RE = re.compile("[-._a-zA-Z0-9]+")
_PORT_NAME_RE = re.compile("[-a-z0-9]+")

_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_ALPHANUMERIC = (
    "consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)


def regex_text(text: str, form: str, *examples: str) -> str:
    """The server's way to say that text does not match."""
    listed = f"'{examples[0]}'"
    more = "".join(f",  or '{one}'" for one in examples[1:])
    return f"{text} (e.g. {listed}{more}, regex used for validation is '{form}')"


def dns_label(value: str) -> list[str]:
    """An RFC 1123 label."""
    found = [] if len(value) <= 63 else ["must be no more than 63 characters"]
    if not _LABEL_RE.fullmatch(value):
        dotted = _SUBDOMAIN_RE.fullmatch(value) is not None
        found.append(
            "must not contain dots" if dotted else regex_text(_LABEL_TEXT, _LABEL, "my-name", "123-abc")
        )
    return found


def dns_subdomain(value: str, *, unit: str = "characters") -> list[str]:
    """An RFC 1123 subdomain."""
    found = [] if len(value) <= 253 else [f"must be no more than 253 {unit}"]
    if not _SUBDOMAIN_RE.fullmatch(value):
        found.append(regex_text(_SUBDOMAIN_TEXT, _SUBDOMAIN, "example.com"))
    return found


def path_segment(value: str) -> list[str]:
    """Anything that can be one part of a URL's path."""
    if value in {".", ".."}:
        return [f"may not be '{value}'"]
    return [f"may not contain '{one}'" for one in ("/", "%") if one in value]


def qualified_name(value: str) -> list[str]:
    """`name` or `prefix/name`, as the keys of labels and annotations."""
    text = regex_text(f"a valid label key must {_ALPHANUMERIC}", _NAME_PART, "MyName", "my.name", "123-abc")
    parts = value.split("/")
    found: list[str] = []
    if len(parts) > 2:
        return [f"{text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    if len(parts) == 2:
        if not parts[0]:
            found.append("prefix part must be non-empty")
        else:
            found += [f"prefix part {one}" for one in dns_subdomain(parts[0], unit="bytes")]
    name = parts[-1]
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append("name part must be no more than 63 bytes")
    if not _NAME_PART_RE.fullmatch(name):
        found.append(
            "name part " + regex_text(f"must {_ALPHANUMERIC}", _NAME_PART, "MyName", "my.name", "123-abc")
        )
    return found


def label_value(value: str) -> list[str]:
    found = [] if len(value) <= 63 else ["must be no more than 63 bytes"]
    if not _VALUE_RE.fullmatch(value):
        text = f"a valid label must be an empty string or {_ALPHANUMERIC}"
        found.append(regex_text(text, _VALUE, "MyValue", "my_value", "12345"))
    return found


def config_key(value: str) -> list[str]:
    """A key of a config map or secret: a file name."""
    found = [] if len(value) <= 253 else ["must be no more than 253 characters"]
    if not _KEY_RE.fullmatch(value):
        text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        found.append(regex_text(text, "[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name"))
    elif value == ".":
        found.append("must not be '.'")
    elif value == "..":
        found.append("must not be '..'")
    elif value.startswith(".."):
        found.append("must not start with '..'")
    return found


def port_name(value: str) -> list[str]:
    """An IANA service name."""
    found: list[str] = []
    if len(value) > 15:
        found.append("must be no more than 15 characters")
    if not _PORT_NAME_RE.fullmatch(value):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        found.append("must contain at least one letter (a-z)")
    if "--" in value:
        found.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        found.append("must not begin or end with a hyphen")
    return found


def port_number(value: int) -> list[str]:
    return [] if 1 <= value <= 65535 else ["must be between 1 and 65535, inclusive"]


def port(value: object, field: str) -> list[Cause]:
    """A port by number or name."""
    wrong = (
        port_name(value) if isinstance(value, str) else port_number(value if isinstance(value, int) else 0)
    )
    return [invalid(field, value, one) for one in wrong]


def each(field: str, value: object, wrong: Iterable[str]) -> list[Cause]:
    """One `Invalid` cause for each thing that is wrong."""
    return [invalid(field, value, one) for one in wrong]


def not_negative(value: object, field: str) -> list[Cause]:
    if isinstance(value, int) and value < 0:
        return [invalid(field, value, "must be greater than or equal to 0")]
    return []
