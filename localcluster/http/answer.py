"""Answers: a body, how it was encoded, and which headers go with it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from localcluster.http.accept import Accepted

GZIP_THRESHOLD_BYTES = 128 * 1024
GZIP_LEVEL = 4
_NO_CACHE = "no-cache, private"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `body` is JSON-able, or bytes that are JSON already, or text for plain pages."""

    body: dict[str, Any] | bytes | str
    code: int = 200
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def to_yaml(body: dict[str, Any] | bytes) -> bytes:
    """YAML with sorted keys, as sigs.k8s.io/yaml writes it."""
    import yaml

    obj = orjson.loads(body) if isinstance(body, bytes) else body
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(obj, Dumper=dumper, default_flow_style=False, sort_keys=True, allow_unicode=True)
    return text.encode()


async def respond(
    answer: Answer, accepted: Accepted, *, pretty: bool, gzip_accepted: bool, warnings: Sequence[str] = ()
) -> web.Response:
    """The HTTP response for an answer; big ones are dumped and compressed in a thread."""
    headers = {"Cache-Control": _NO_CACHE, **answer.headers}
    if isinstance(answer.body, str):
        body = answer.body.encode()
        content_type = answer.content_type or "text/plain; charset=utf-8"
    elif accepted.yaml:
        body, content_type = await asyncio.to_thread(to_yaml, answer.body), "application/yaml"
    else:
        body, content_type = _json(answer.body, pretty=pretty), answer.content_type or "application/json"
    if gzip_accepted and len(body) > GZIP_THRESHOLD_BYTES:
        body = await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL)
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = "Accept-Encoding"
    headers["Content-Type"] = content_type
    response = web.Response(body=body, status=answer.code, headers=headers)
    for warning in dict.fromkeys(warnings):
        response.headers.add("Warning", f'299 - "{_escaped(warning)}"')
    return response


def _json(body: dict[str, Any] | bytes, *, pretty: bool) -> bytes:
    if isinstance(body, bytes):
        if not pretty:
            return body
        body = orjson.loads(body)
    return orjson.dumps(body, option=orjson.OPT_INDENT_2 if pretty else None)


def _escaped(text: str) -> str:
    """As a quoted-string of a header: no control characters, quotes and backslashes escaped."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    return clean.replace("\\", "\\\\").replace('"', '\\"')
