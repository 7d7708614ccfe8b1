"""`values.schema.json`: which may be used, and what it says in words that a reader of values understands.

A schema that refers to other documents would make the engine read files and fetch URLs that a chart's author
chose (demands 3.3, item 38). Flux follows them; here such a schema is refused, and `disableSchemaValidation`
is the way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import orjson

from shared.charts.errors import InvalidValues

SCHEMA_NAME = "values.schema.json"
MAX_DEPTH = 200
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef", "$schema")
_BUILT_IN = "json-schema.org"
_POINTER = re.compile(r"^( *)- at '([^']*)': ", re.MULTILINE)
_PREFACE = "values don't meet the specifications of the schema(s) in the following chart(s):"
_QUOTED_VALUE = re.compile(r": '[^\n]*' (does not match pattern|is not valid)")
_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*")


def require_self_contained(schema: bytes, path: str) -> None:
    """Raise InvalidValues for a schema that refers to another document, or is no schema at all."""
    try:
        document = orjson.loads(schema)
    except orjson.JSONDecodeError as error:
        raise InvalidValues(f"{path} is not JSON: {error}") from error
    known: set[str] = set()
    wanted: list[str] = []
    for base, keyword, url in _urls(document, "", MAX_DEPTH, path):
        absolute = urldefrag(_joined(base, url)).url
        (known.add if keyword == "$id" else wanted.append)(absolute)
    for url in wanted:
        if url and not _inside(url, known):
            raise InvalidValues(
                f"{path} refers to {url[:200]}: schemas from elsewhere are not "
                "read; include it in the schema, or disable schema validation"
            )


def _inside(url: str, known: set[str]) -> bool:
    """Whether the engine has what the URL names. A file never is, even if something claims to be it."""
    try:
        address = urlsplit(url)
    except ValueError:
        return False
    if address.scheme not in ("http", "https", "urn"):
        return False
    return address.hostname == _BUILT_IN or url in known


def _urls(node: Any, base: str, depth: int, path: str) -> Iterator[tuple[str, str, str]]:
    """(base, keyword, URL) of every `$id` and reference below."""
    if depth <= 0:
        raise InvalidValues(f"{path} is nested more than {MAX_DEPTH} deep")
    if isinstance(node, dict):
        identity = node.get("$id", node.get("id"))
        if isinstance(identity, str):
            yield base, "$id", identity
            base = _joined(base, identity)
        for keyword in _REFERENCES:
            if isinstance(node.get(keyword), str):
                yield base, keyword, node[keyword]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            if isinstance(item, dict | list):
                yield from _urls(item, base, depth - 1, path)


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def readable(message: str) -> str:
    """The engine's list of violations in one line: `web: values.replicas: got string, want integer`.

    Values themselves are left out: they may come from Secrets, and messages go into the status.
    """
    listed = message.removeprefix(_PREFACE)
    listed = _POINTER.sub(lambda match: f"{match[1]}- values{_dotted(match[2])}: ", listed)
    listed = _QUOTED_VALUE.sub(r": the value \1", listed)
    parts: list[str] = []
    for line in listed.splitlines():
        text = line.strip()
        if not text:
            continue
        if not line.startswith("-") and not line.startswith(" ") and text.endswith(":"):
            parts.append(text)
        elif parts and parts[-1].endswith(":"):
            parts[-1] += " " + text.removeprefix("- ")
        else:
            parts.append(text.removeprefix("- "))
    return f"{_PREFACE} {'; '.join(parts)}"


def _dotted(pointer: str) -> str:
    """`/a/0/b.c` -> `.a[0]["b.c"]`."""
    path = ""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if name.isdecimal():
            path += f"[{name}]"
        else:
            path += f".{name}" if _PLAIN.fullmatch(name) else f'["{name}"]'
    return path
