"""A few worker processes that render, started when needed (dependencies 6: why not in this process).

A chart can make the engine abort, hang or eat memory: the worker that has it is ended, and only that render
fails. Workers know nothing worth stealing: their environment is made here, and has no credentials in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from shared.charts.errors import (
    ChartError,
    EngineFailed,
    RenderOutOfMemory,
    RenderStopped,
    RenderTimedOut,
    error_named,
)

_LENGTH_BYTES = 4
_MAX_ANSWER = 256 * 2**20
_START_SECONDS = 60.0
_KEPT_OUTPUT = 16 * 1024
_PASSED_ON = ("LANG", "LC_ALL", "TZ", "PYTHONDONTWRITEBYTECODE")
# Where nothing listens: a schema or template that calls a web server gets no further; Go exempts loopback.
_NO_PROXY_THERE = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one worker: memory it may fill, the size its Go heap aims for, and from which it is not kept."""

    memory_bytes: int = 512 * 2**20
    heap_bytes: int = 128 * 2**20
    keep_bytes: int = 192 * 2**20


class _Worker:
    """One process, and the first that it wrote to standard error for a request: why Go dies it says first."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.idle_since = 0.0
        self.output = bytearray()
        self._collector = asyncio.create_task(self._collect(), name="helm worker output")

    async def ask(self, request: Mapping[str, Any]) -> None:
        """Send a request; `answer` has the reply."""
        self.output.clear()
        writer = self.process.stdin
        assert writer is not None
        raw = orjson.dumps(request)
        writer.write(len(raw).to_bytes(_LENGTH_BYTES, "big"))
        writer.write(raw)
        await writer.drain()

    async def answer(self) -> dict[str, Any]:
        """The next message of the worker. Raises IncompleteReadError where it died."""
        reader = self.process.stdout
        assert reader is not None
        length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
        if length > _MAX_ANSWER:
            raise EngineFailed(f"the renderer answered {length >> 20} MiB")
        message: dict[str, Any] = orjson.loads(await reader.readexactly(length))
        return message

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        if self.process.stdin is not None:
            self.process.stdin.close()
        await asyncio.shield(self.process.wait())
        self._collector.cancel()
        await asyncio.wait([self._collector])

    async def cause_of_death(self) -> ChartError:
        """Why there was no answer."""
        code = await self.process.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._collector), 1)
        if code == -signal.SIGKILL or b"out of memory" in self.output or b"allocate memory" in self.output:
            return RenderOutOfMemory("rendering the chart needs more memory than allowed")
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return RenderStopped(f"the process that rendered the chart died ({how})")

    async def _collect(self) -> None:
        reader = self.process.stderr
        assert reader is not None
        while chunk := await reader.read(4096):
            self.output += chunk[: _KEPT_OUTPUT - len(self.output)]


class WorkerPool:
    """At most `size` processes; one that was idle for `idle` ends, and `serve` must run for that."""

    def __init__(self, *, size: int, idle: timedelta, limits: Limits) -> None:
        self._free: list[_Worker] = []
        self._slots = asyncio.Semaphore(size)
        self._idle = idle.total_seconds()
        self._limits = limits

    async def run(self, request: Mapping[str, Any], *, within: timedelta) -> dict[str, Any]:
        """What worker_render.render gives. Raises a ChartError.

        The time counts from when a worker is at hand. A worker is ended on a timeout and when the caller
        is cancelled.
        """
        async with self._slots:
            worker = await self._idle_worker() or await self._spawn()
            try:
                async with asyncio.timeout(within.total_seconds()):
                    answer = await self._exchange(worker, request)
            except TimeoutError as error:
                await worker.end()
                message = f"rendering the chart takes longer than {within.total_seconds():g}s"
                raise RenderTimedOut(message) from error
            except BaseException:
                await worker.end()
                raise
            await self._release(worker, held_bytes=answer["held_bytes"])
        if "error" in answer:
            raise error_named(answer["error"], answer["message"])
        result: dict[str, Any] = answer["result"]
        return result

    async def _idle_worker(self) -> _Worker | None:
        """The one that was used last, as it is warm; those that died in the meantime are no chart's fault."""
        while self._free:
            worker = self._free.pop()
            if worker.process.returncode is None:
                return worker
            await worker.end()
        return None

    async def _exchange(self, worker: _Worker, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            await worker.ask(request)
            return await worker.answer()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise await worker.cause_of_death() from error

    async def _spawn(self) -> _Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # nothing is imported from where the controller happens to run
            "-m",
            "shared.charts.worker",
            str(self._limits.memory_bytes),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(self._limits.heap_bytes),
            start_new_session=True,
        )
        worker = _Worker(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await worker.answer()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
            await worker.end()
            lines = worker.output.decode("utf-8", "replace").strip().splitlines()
            raise EngineFailed(f"the renderer does not start: {lines[-1] if lines else 'no word'}") from error
        except BaseException:
            await worker.end()
            raise
        return worker

    async def _release(self, worker: _Worker, *, held_bytes: int) -> None:
        """Keep a worker for the next render unless it has grown: its memory is free only when it goes."""
        if held_bytes > self._limits.keep_bytes:
            await worker.end()
            return
        worker.idle_since = time.monotonic()
        self._free.append(worker)

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """End idle workers while the context is open, and all of them at its end."""
        reaper = asyncio.create_task(self._reap(), name="helm worker reaper")
        try:
            yield
        finally:
            reaper.cancel()
            await asyncio.wait([reaper])
            for worker in self._free:
                await worker.end()
            self._free.clear()

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(self._idle / 4)
            oldest = time.monotonic() - self._idle
            expired = [worker for worker in self._free if worker.idle_since <= oldest]
            self._free = [worker for worker in self._free if worker.idle_since > oldest]
            for worker in expired:
                await worker.end()


def _environment(heap_bytes: int) -> dict[str, str]:
    """All that a worker gets to know; the library reads it once, as the process starts."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed | {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "TMPDIR": tempfile.gettempdir(),
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "GOMEMLIMIT": str(heap_bytes),
        "GOGC": "50",
        "GOTRACEBACK": "none",
        "HTTP_PROXY": _NO_PROXY_THERE,
        "HTTPS_PROXY": _NO_PROXY_THERE,
    }
