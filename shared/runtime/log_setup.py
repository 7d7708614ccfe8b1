"""JSON lines on standard error with the fields `flux logs` reads (specs/runtime.md 13)."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO, cast

import orjson
import structlog

from shared.logic.redact import redact

_LEVELS = {"trace": logging.DEBUG, "debug": logging.DEBUG, "info": logging.INFO, "error": logging.ERROR}
_NAMES = {"warning": "info", "exception": "error", "critical": "error"}
# structlog knows no level below debug: such lines are debug lines with this key.
_TRACE = "_trace"
_MAX_DEPTH = 8

EventDict = MutableMapping[str, Any]


def set_up(level: str, encoding: str) -> None:
    """`level`: trace, debug, info, error. `encoding`: json, console. Also catches the standard library's."""
    render = _json if encoding == "json" else _console
    structlog.configure(
        processors=[
            _traced if level == "trace" else _untraced,
            structlog.contextvars.merge_contextvars,
            _named_error,
            structlog.processors.format_exc_info,
            _fields,
            _redacted,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _StandardError())),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()], force=True)
    # kubernetes-asyncio and aiohttp may log whole bodies below this.
    logging.getLogger("kubernetes_asyncio").setLevel(logging.ERROR)


def trace(message: str, /, **fields: Any) -> None:
    """The level below debug."""
    structlog.get_logger().debug(message, **{_TRACE: True}, **fields)


class _StandardError:
    """Standard error as it is when a line is written: loggers are kept for longer than a stream may live."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class _Forward(logging.Handler):
    """Libraries' own log lines, in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, LookupError):
            message = str(record.msg)
        log = structlog.get_logger()
        report = log.error if record.levelno >= logging.ERROR else log.info
        report(message, logger=record.name, exc_info=record.exc_info)


def _traced(_logger: object, _method: str, event: EventDict) -> EventDict:
    if event.pop(_TRACE, False):
        event["level"] = "trace"
    return event


def _untraced(_logger: object, _method: str, event: EventDict) -> EventDict:
    if _TRACE in event:
        raise structlog.DropEvent
    return event


def _named_error(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A line with a traceback also says in one word and a half what it was."""
    given = event.get("exc_info")
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if isinstance(given, tuple):
        error = given[1]
    if error is not None:
        event.setdefault("error", f"{type(error).__name__}: {error}")
    return event


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
    return {str(key): _clean(value, _MAX_DEPTH) for key, value in event.items()}


def _clean(value: object, depth: int) -> object:
    """Freed of credentials, and such that JSON can hold it: a log line must never raise."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    if depth and isinstance(value, Mapping):
        return {_text(key): _clean(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth - 1) for item in value]
    return _text(value)


def _text(value: object) -> str:
    return redact(str(value)).encode(errors="replace").decode()


def _json(_logger: object, _method: str, event: EventDict) -> str:
    return orjson.dumps(event).decode()


def _console(_logger: object, _method: str, event: EventDict) -> str:
    stamp, level, message = event.pop("ts"), event.pop("level"), event.pop("msg")
    rest = " ".join(f"{key}={value}" for key, value in event.items())
    return f"{stamp} {level:<5} {message} {rest}".rstrip()
