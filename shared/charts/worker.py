"""The worker process of pool.py: reads a request, renders, answers, waits for the next.

It dies with its parent, either by the end of its standard input or by a signal from the kernel.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import traceback
from typing import Any, BinaryIO

import orjson

from shared.charts.errors import ChartError, EngineFailed, RenderOutOfMemory

_LENGTH_BYTES = 4
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_MESSAGE_END = 1000
_MAX_FILE_BYTES = 128 * 2**20


def main() -> None:
    """`python -m shared.charts.worker MEMORY_BYTES`: serve until the parent closes the pipe."""
    _confine(int(sys.argv[1]))
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is not an answer
    # Not before the limits: the library takes its memory limit from the environment as it loads.
    from shared.charts import worker_render

    built_in = worker_render.built_in_versions()
    _write(sink, {"ready": True})
    while (request := _read(source)) is not None:
        _write(sink, _answer(request, built_in))


def _answer(request: dict[str, Any], built_in: list[str]) -> dict[str, Any]:
    from shared.charts import worker_render

    try:
        answer = {"result": worker_render.render(request, built_in)}
    except ChartError as error:
        answer = _error(error)
    except MemoryError:
        answer = _error(RenderOutOfMemory("the chart needs more memory than allowed"))
    except Exception as error:  # noqa: BLE001 - the process boundary: the parent gets it as a typed error
        frame = traceback.extract_tb(error.__traceback__)[-1]
        answer = _error(EngineFailed(f"internal error: {error!r} in {frame.name} line {frame.lineno}"))
    return answer | {"held_bytes": _held_bytes()}


def _error(error: ChartError) -> dict[str, Any]:
    return {"error": type(error).__name__, "message": _shortened(str(error))}


def _shortened(message: str) -> str:
    """Where and why are at the two ends; a thousand nested includes are between them."""
    left_out = len(message) - 2 * _MESSAGE_END
    if left_out <= 0:
        return message
    return f"{message[:_MESSAGE_END]} [{left_out} characters] {message[-_MESSAGE_END:]}"


def _read(source: BinaryIO) -> dict[str, Any] | None:
    header = source.read(_LENGTH_BYTES)
    if len(header) < _LENGTH_BYTES:
        return None
    request: dict[str, Any] = orjson.loads(source.read(int.from_bytes(header, "big")))
    return request


def _write(sink: BinaryIO, answer: dict[str, Any]) -> None:
    raw = orjson.dumps(answer)
    sink.write(len(raw).to_bytes(_LENGTH_BYTES, "big"))
    sink.write(raw)
    sink.flush()


def _held_bytes() -> int:
    """Resident memory now: what a peak left behind, and only the end of the process gives back."""
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - pathlib would be one more import
        return int(statm.read().split()[1]) * resource.getpagesize()


def _confine(memory_bytes: int) -> None:
    """Memory that the worker may fill, no core dumps, no big files, no new rights."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
    # RLIMIT_DATA, as the address space that a Go program reserves says nothing of what it uses.
    for limit, value in (
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _MAX_FILE_BYTES),
    ):
        resource.setrlimit(limit, (value, value))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


if __name__ == "__main__":
    main()
