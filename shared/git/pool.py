"""Run git work in a few worker processes of our own (dependencies: dulwich measured).

A worker can be ended when it takes too long, gives its memory back when it goes, and leaves this
process free of git, ssh and cryptography libraries. Big results stay on disk; what passes through the
pipes is one JSON document each way.
"""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from shared.git.errors import GitTimeout, WorkerFailed, error_named

_LENGTH_BYTES = 4
_MAX_ANSWER = 64 * 1024 * 1024
_HEAVY_BYTES = 96 * 1024 * 1024


@dataclass(slots=True)
class _Worker:
    process: asyncio.subprocess.Process
    idle_since: float = 0.0


class WorkerPool:
    """At most `size` processes; one that was idle for `idle` ends, and `serve` must run for that."""

    def __init__(self, *, size: int = 2, idle: timedelta = timedelta(minutes=1)) -> None:
        self._free: list[_Worker] = []
        self._slots = asyncio.Semaphore(size)
        self._idle = idle.total_seconds()

    async def run(self, job: str, argument: Mapping[str, Any], *, within: timedelta) -> dict[str, Any]:
        """Call `job` ("package.module:function") with the argument, in a worker.

        Raises the GitError that the job raised, GitTimeout when it ran too long, WorkerFailed when
        the worker died. The worker is ended on a timeout and when the caller is cancelled.
        """
        async with self._slots:
            worker = self._free.pop() if self._free else await _spawn()
            try:
                async with asyncio.timeout(within.total_seconds()):
                    answer = await _ask(worker.process, {"job": job, "argument": argument})
            except TimeoutError as error:
                await _end(worker.process)
                raise GitTimeout(f"operation timed out after {within.total_seconds():g}s") from error
            except BaseException:
                await _end(worker.process)
                raise
            await self._release(worker, held_bytes=answer["held_bytes"])
        if "error" in answer:
            raise error_named(answer["error"], answer["message"])
        result: dict[str, Any] = answer["result"]
        return result

    async def _release(self, worker: _Worker, *, held_bytes: int) -> None:
        """Keep a worker for the next job unless it has grown: its memory is free only when it goes."""
        if held_bytes > _HEAVY_BYTES:
            await _end(worker.process)
            return
        worker.idle_since = time.monotonic()
        self._free.append(worker)

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """End idle workers while the context is open, and all of them at its end."""
        reaper = asyncio.create_task(self._reap(), name="git worker reaper")
        try:
            yield
        finally:
            reaper.cancel()
            await asyncio.wait([reaper])
            for worker in self._free:
                await _end(worker.process)
            self._free.clear()

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(self._idle / 4)
            oldest = time.monotonic() - self._idle
            expired = [worker for worker in self._free if worker.idle_since <= oldest]
            self._free = [worker for worker in self._free if worker.idle_since > oldest]
            for worker in expired:
                await _end(worker.process)


async def _spawn() -> _Worker:
    # stderr stays ours: a worker's traceback belongs in the controller's log.
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shared.git.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    return _Worker(process)


async def _ask(process: asyncio.subprocess.Process, request: Mapping[str, Any]) -> dict[str, Any]:
    reader, writer = process.stdout, process.stdin
    assert reader is not None
    assert writer is not None
    raw = orjson.dumps(request)
    try:
        writer.write(len(raw).to_bytes(_LENGTH_BYTES, "big") + raw)
        await writer.drain()
        length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
        if length > _MAX_ANSWER:
            raise WorkerFailed("the git worker answered too much")
        answer: dict[str, Any] = orjson.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        code = await process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise WorkerFailed(f"the git worker died ({how})") from error
    return answer


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    if process.stdin is not None:
        process.stdin.close()
    await asyncio.shield(process.wait())
