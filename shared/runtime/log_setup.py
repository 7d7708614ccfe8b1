"""JSON lines on standard error with the fields `flux logs` reads (specs/runtime.md 13)."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from shared.logic.redact import redact

_LEVELS = {"trace": 5, "debug": 10, "info": 20, "error": 40}
_NAMES = {"warning": "info", "exception": "error", "critical": "error"}

EventDict = MutableMapping[str, Any]


def set_up(level: str, encoding: str) -> None:
    """`level`: trace, debug, info, error. `encoding`: json, console. Also catches the standard library's."""
    number = _LEVELS[level]
    render = _json if encoding == "json" else _console
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            _fields,
            _redacted,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(max(number, 10)),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()], force=True)
    # kubernetes-asyncio and aiohttp may log whole bodies below this.
    logging.getLogger("kubernetes_asyncio").setLevel(logging.ERROR)


class _Forward(logging.Handler):
    """Libraries' own log lines, in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        report = log.error if record.levelno >= logging.ERROR else log.info
        report(record.getMessage(), logger=record.name)


def _fields(_logger: object, method: str, event: EventDict) -> EventDict:
    now = datetime.now(UTC)
    fields: EventDict = {
        "level": _NAMES.get(method, method),
        "ts": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
        "msg": event.pop("event", ""),
    }
    if "exception" in event:
        fields["stacktrace"] = event.pop("exception")
    fields.update(event)
    return fields


def _redacted(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}


def _json(_logger: object, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _console(_logger: object, _method: str, event: EventDict) -> str:
    stamp, level, message = event.pop("ts"), event.pop("level"), event.pop("msg")
    rest = " ".join(f"{key}={value}" for key, value in event.items())
    return f"{stamp} {level:<5} {message} {rest}".rstrip()
