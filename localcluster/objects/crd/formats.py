"""The string and number formats that the server enforces on custom resources."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

_UUID = r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?%s[0-9a-f]{3}-?%s[0-9a-f]{3}-?[0-9a-f]{12}$"
_DATE_TIME = re.compile(
    r"^\d{4}-\d{2}-\d{2}([Tt ])\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})?$", re.ASCII
)
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w)")
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 604800,
}
_LABEL = re.compile(r"[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?")


def parse_duration(text: str) -> timedelta:
    """A Go-like duration (`1h30m`). ValueError if it is none."""
    rest = text.lstrip("+-")
    sign = -1 if text.startswith("-") else 1
    if rest == "0":
        return timedelta()
    total, at = 0.0, 0
    for found in _DURATION.finditer(rest):
        if found.start() != at:
            break
        total += float(found[1]) * _SECONDS[found[2]]
        at = found.end()
    if at == 0 or at != len(rest):
        raise ValueError(f"not a duration: {text!r}")
    return timedelta(seconds=sign * total)


def _attempt(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def accepts(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, OverflowError, binascii.Error):
            return False
        return True

    return accepts


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.search(text) is not None


def _is_date_time(text: str) -> bool:
    if _DATE_TIME.match(text) is None:
        return False
    try:
        datetime.fromisoformat(text[:19].replace("t", "T").replace(" ", "T"))
    except ValueError:
        return False
    return True


def _is_uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) or text.startswith("/")


def _is_hostname(text: str) -> bool:
    return 0 < len(text) <= 255 and all(
        len(part) <= 63 and _LABEL.fullmatch(part) for part in text.removesuffix(".").split(".")
    )


def _is_email(text: str) -> bool:
    name, _, host = text.rpartition("@")
    return bool(name) and bool(host) and " " not in text


_CHECKS: dict[str, Callable[[str], bool]] = {
    "date-time": _is_date_time,
    "datetime": _is_date_time,
    "date": _attempt(date.fromisoformat),
    "duration": _attempt(parse_duration),
    "byte": _attempt(lambda text: base64.b64decode(text, validate=True)),
    "ipv4": _attempt(ipaddress.IPv4Address),
    "ipv6": _attempt(ipaddress.IPv6Address),
    "cidr": _attempt(lambda text: ipaddress.ip_network(text, strict=False) if "/" in text else int("no")),
    "mac": _matches(r"^([0-9A-Fa-f]{2}([:-]|$)){6,8}$|^([0-9A-Fa-f]{4}([.]|$)){3,4}$"),
    "uuid": _matches(_UUID % ("[0-9a-f]", "[0-9a-f]")),
    "uuid3": _matches(_UUID % ("3", "[0-9a-f]")),
    "uuid4": _matches(_UUID % ("4", "[89ab]")),
    "uuid5": _matches(_UUID % ("5", "[89ab]")),
    "uri": _is_uri,
    "hostname": _is_hostname,
    "email": _is_email,
    "isbn": _matches(r"^(?:[\d -]{9,16}[\dXx])$"),
    "isbn10": _matches(r"^(?:\d[ -]?){9}[\dXx]$"),
    "isbn13": _matches(r"^(?:\d[ -]?){13}$"),
    "creditcard": _matches(r"^\d{13,16}$"),
    "ssn": _matches(r"^\d{3}[- ]?\d{2}[- ]?\d{4}$"),
    "hexcolor": _matches(r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
    "rgbcolor": _matches(r"^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$"),
    "k8s-short-name": _matches(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"),
    "k8s-long-name": _matches(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"),
}


def accepts(form: str, text: str) -> bool:
    """Whether the text has the format. Formats that the server does not know accept everything."""
    check = _CHECKS.get(form)
    return check is None or check(text)
