"""The demo's processes: start each with a log file, notice when one dies, stop them all, weigh them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")
_STOP_SECONDS = 8.0


class ProcessDied(Exception):
    """A process that should run has ended by itself."""

    def __init__(self, name: str, status: int) -> None:
        super().__init__(f"{name} ended by itself with status {status}")


@dataclass(frozen=True, slots=True)
class Weight:
    """Resident memory in MiB; `peak` is None where the system does not tell. `workers`: its children's."""

    name: str
    now: float
    peak: float | None
    workers: float


@dataclass(slots=True)
class Running:
    name: str
    process: asyncio.subprocess.Process

    def weight(self) -> Weight:
        now, peak = _memory(self.process.pid)
        workers = sum(_memory(child)[0] for child in _children(self.process.pid))
        return Weight(self.name, now, peak, workers)


@dataclass(slots=True)
class Processes:
    """All of them. They get no terminal and no settings of the user's that could lead them elsewhere.

    `scratch` is where they keep temporary files, which being killed may leave behind.
    """

    logs: Path
    scratch: Path
    running: list[Running] = field(default_factory=list)

    async def start(self, name: str, args: Sequence[str], env: Mapping[str, str] | None = None) -> Running:
        """Run `python -m` with these arguments."""
        path = self.logs / f"{name}.log"
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *args,
                cwd=self.logs,
                env=_environment() | {"TMPDIR": str(self.scratch)} | dict(env or {}),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the demo, which stops them in order.
                start_new_session=True,
            )
        started = Running(name, process)
        self.running.append(started)
        return started

    async def while_running(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`. Raises ProcessDied as soon as a process ends before that."""
        working = asyncio.create_task(work)
        ends = [asyncio.create_task(_end(one)) for one in self.running]
        try:
            done, _ = await asyncio.wait([working, *ends], return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                if end in done:
                    end.result()
            return working.result()
        finally:
            for task in (working, *ends):
                task.cancel()
            await asyncio.gather(working, *ends, return_exceptions=True)

    async def stop(self) -> None:
        """The last started first; whatever does not end in time, and whatever it left behind, is killed."""
        for one in reversed(self.running):
            with contextlib.suppress(ProcessLookupError):
                one.process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await one.process.wait()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(one.process.pid, signal.SIGKILL)
            await one.process.wait()
        self.running.clear()


async def _end(one: Running) -> None:
    raise ProcessDied(one.name, await one.process.wait())


def free_port() -> int:
    """A port of loopback that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment() -> dict[str, str]:
    unwanted = {
        "KUBECONFIG",
        "EVENTS_ADDR",
        "METRICS_ADDR",
        "STORAGE_PATH",
        "STORAGE_ADDRESS",
        "STORAGE_ADV_ADDR",
    }
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in unwanted and not name.lower().endswith("_proxy")
    }
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "RUNTIME_NAMESPACE": "flux-system"}


def _memory(pid: int) -> tuple[float, float | None]:
    """Resident memory now and at its peak, in MiB."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return _mebibytes(fields.get("VmRSS", "0")), _mebibytes(fields.get("VmHWM", "0"))
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return _mebibytes(shown.stdout or "0"), None


def _mebibytes(kibibytes: str) -> float:
    return int(kibibytes.split(maxsplit=1)[0]) / 1024


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            direct = [int(child) for child in listed.read_text().split()]
            found += [grandchild for child in direct for grandchild in [child, *_children(child)]]
    return found
