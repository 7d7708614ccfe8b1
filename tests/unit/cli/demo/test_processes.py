"""Processes are started with a log, noticed when they die, and stopped with all they left behind."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from cli.demo.processes import ProcessDied, Processes

STUBBORN = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(tmp_path, tmp_path)


def program(folder: Path, name: str, text: str) -> dict[str, str]:
    """The environment in which `python -m name` runs that text."""
    (folder / f"{name}.py").write_text(text)
    return {"PYTHONPATH": str(folder)}


async def test_a_process_that_ends_is_noticed(processes: Processes, tmp_path: Path) -> None:
    await processes.start("brief", ["brief"], program(tmp_path, "brief", "raise SystemExit(3)"))
    with pytest.raises(ProcessDied, match="brief ended by itself with status 3"):
        await processes.while_running(asyncio.sleep(30))
    await processes.stop()


async def test_work_that_ends_first_gives_its_result(processes: Processes, tmp_path: Path) -> None:
    await processes.start("long", ["long"], program(tmp_path, "long", "import time; time.sleep(60)"))
    assert await processes.while_running(asyncio.sleep(0, "done")) == "done"
    await processes.stop()


async def test_stop_leaves_nothing_behind(processes: Processes, tmp_path: Path) -> None:
    await processes.start("parent", ["parent"], program(tmp_path, "parent", STUBBORN))
    log = tmp_path / "parent.log"
    async with asyncio.timeout(20):
        while not log.read_text().strip():
            await asyncio.sleep(0.02)
    child = int(log.read_text())
    await processes.stop()
    async with asyncio.timeout(5):
        while alive(child):
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    """A zombie that nobody has waited for yet counts as gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.exists() and "State:\tZ" in status.read_text())


async def test_weight_is_that_of_the_process(processes: Processes, tmp_path: Path) -> None:
    text = "import time; kept = bytearray(64 * 1024 * 1024); print('ready', flush=True); time.sleep(60)"
    running = await processes.start("heavy", ["heavy"], program(tmp_path, "heavy", text))
    async with asyncio.timeout(20):
        while "ready" not in (tmp_path / "heavy.log").read_text():
            await asyncio.sleep(0.02)
    weight = running.weight()
    await processes.stop()
    assert 64 <= weight.now < 128
