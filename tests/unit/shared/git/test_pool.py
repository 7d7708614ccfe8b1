import asyncio
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from shared.git.errors import GitTimeout, WorkerFailed
from shared.git.pool import WorkerPool

SOON = timedelta(seconds=20)
JOBS = "shared.git.worker"


def workers() -> set[int]:
    """Our worker processes that live, by what the kernel says."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if b"shared.git.worker" in command and int(parent) == _own_pid():
            found.add(int(folder.name))
    return found


def _lives(process: Path) -> bool:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _own_pid() -> int:
    return int(Path("/proc/self").resolve().name)


async def test_a_job_that_does_not_exist_is_a_bug_not_a_death() -> None:
    pool = WorkerPool()
    async with pool.serve():
        with pytest.raises(WorkerFailed, match="internal error"):
            await pool.run("shared.git.worker:no_such", {}, within=SOON)
        with pytest.raises(WorkerFailed, match="internal error"):
            await pool.run("no.such.module:job", {}, within=SOON)
        assert len(workers()) == 1, "the worker outlived both"
    assert workers() == set()


async def test_a_dying_worker_is_reported_and_replaced() -> None:
    pool = WorkerPool()
    async with pool.serve():
        with pytest.raises(WorkerFailed, match="died"):
            await pool.run("tests.fakes.jobs:die", {}, within=SOON)
    assert workers() == set()


async def test_cancelling_ends_the_worker() -> None:
    pool = WorkerPool()
    async with pool.serve():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await pool.run("tests.fakes.jobs:sleep", {"seconds": 60}, within=SOON)
        assert workers() == set()


async def test_a_late_worker_is_ended() -> None:
    pool = WorkerPool()
    async with pool.serve():
        with pytest.raises(GitTimeout, match=r"0\.5s"):
            await pool.run("tests.fakes.jobs:sleep", {"seconds": 60}, within=timedelta(seconds=0.5))
        assert workers() == set()


async def test_two_at_a_time_and_idle_ones_end() -> None:
    pool = WorkerPool(size=2, idle=timedelta(seconds=0.5))
    async with pool.serve(), asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(pool.run("tests.fakes.jobs:sleep", {"seconds": 0.2}, within=SOON))
        await asyncio.sleep(0.5)
        assert len(workers()) == 2
    async with pool.serve():
        await pool.run("tests.fakes.jobs:sleep", {"seconds": 0}, within=SOON)
        assert len(workers()) == 1
        await asyncio.sleep(1.0)
        assert workers() == set()


def test_a_killed_parent_takes_its_workers_along() -> None:
    code = """
import asyncio, datetime, sys
from shared.git.pool import WorkerPool
async def main():
    pool = WorkerPool()
    job = asyncio.create_task(pool.run("tests.fakes.jobs:say_pid", {}, within=datetime.timedelta(seconds=60)))
    await job
asyncio.run(main())
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert parent.stderr is not None
    worker = Path("/proc", parent.stderr.readline().strip())
    assert worker.exists()
    parent.kill()
    parent.wait()
    parent.stderr.close()

    deadline = time.monotonic() + 10
    while _lives(worker):
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.02)


def test_the_parent_stays_light() -> None:
    heavy = "dulwich asyncssh cryptography pysequoia urllib3"
    code = (
        f"import sys, controllers.source.__main__\nprint(*[m for m in {heavy.split()!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout.split() in ([], ["urllib3"]), "urllib3 comes with the Kubernetes client"
