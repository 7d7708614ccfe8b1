"""The worker process of pool.py: reads a job, runs it, answers, waits for the next.

It dies with its parent, either by the end of its standard input or by a signal from the kernel.
"""

import ctypes
import importlib
import os
import resource
import signal
import sys
import traceback
from typing import Any, BinaryIO

import orjson

from shared.git.errors import GitError, RepositoryRefused

_LENGTH_BYTES = 4
_PR_SET_PDEATHSIG = 1
_MAX_DATA_BYTES = 2 * 1024**3


def main() -> None:
    """Serve jobs until the parent closes the pipe."""
    _die_with_parent()
    # A repository made to exhaust memory must hit this wall before it hits the pod's.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_MAX_DATA_BYTES, hard))
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the log, not into an answer
    while (request := _read(source)) is not None:
        raw = orjson.dumps(_run(request))
        sink.write(len(raw).to_bytes(_LENGTH_BYTES, "big") + raw)
        sink.flush()


def _read(source: BinaryIO) -> dict[str, Any] | None:
    header = source.read(_LENGTH_BYTES)
    if len(header) < _LENGTH_BYTES:
        return None
    request: dict[str, Any] = orjson.loads(source.read(int.from_bytes(header, "big")))
    return request


def _run(request: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = {"result": _call(request["job"], request["argument"])}
    except GitError as error:
        answer = _error(error)
    except MemoryError:
        answer = _error(
            RepositoryRefused(f"the repository needs more than {_MAX_DATA_BYTES >> 20} MiB of memory")
        )
    except OSError as error:
        answer = {"error": "WorkerFailed", "message": f"{error.strerror or error}"}
    except Exception as error:  # noqa: BLE001 - the process boundary: the parent gets it as a typed error
        traceback.print_exc()
        answer = {"error": "WorkerFailed", "message": f"internal error: {type(error).__name__}"}
    return answer | {"held_bytes": _held_bytes()}


def _held_bytes() -> int:
    """Resident memory now: what a peak left behind, and only the end of the process gives back."""
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - pathlib would be one more import
        return int(statm.read().split()[1]) * resource.getpagesize()


def _error(error: GitError) -> dict[str, Any]:
    return {"error": type(error).__name__, "message": str(error)}


def _call(job: str, argument: dict[str, Any]) -> Any:
    module, _, function = job.partition(":")
    return getattr(importlib.import_module(module), function)(argument)


def _die_with_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
