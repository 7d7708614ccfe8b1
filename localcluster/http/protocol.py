"""aiohttp's server protocol, with one liberty that Go's has: a User-Agent header given twice.

aiohttp refuses such a request before any handler sees it; the genuine server reads the first. The later
ones are cut out of the request's head.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

log = logging.getLogger("localcluster")

_AGENT = re.compile(rb"\r\nuser-agent:[^\r\n]*", re.IGNORECASE)
_REQUEST_LINE = re.compile(rb"[A-Z]{3,7} /\S* HTTP/1\.[01]\r\n")
_HEAD_END = b"\r\n\r\n"


class _Protocol(RequestHandler):
    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        super().data_received(with_one_agent(data))

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """What a client has broken is answered, but is no news: anyone could fill the log with it."""
        if isinstance(kw.get("exc_info"), HttpProcessingError):
            log.debug("broken_request why=%s", kw["exc_info"])
        else:
            super().log_exception(*args, **kw)


def with_one_agent(data: bytes) -> bytes:
    """`data` with but the first User-Agent header, where it begins with the whole head of a request."""
    if not _REQUEST_LINE.match(data):
        return data
    end = data.find(_HEAD_END)
    head = data[:end]
    found = list(_AGENT.finditer(head)) if end > 0 else []
    if len(found) < 2:
        return data
    first = found[0].end()
    return head[:first] + _AGENT.sub(b"", head[first:]) + data[end:]


class LenientServer(web.Server):
    """A low-level server whose connections speak this protocol."""

    def __call__(self) -> RequestHandler:
        return _Protocol(self, loop=asyncio.get_running_loop(), **self._kwargs)
