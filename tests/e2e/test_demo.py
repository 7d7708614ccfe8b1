"""The demo as users run it: a process with a terminal or without, and Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
STEPS = [
    "First sync",
    "A commit rolls out",
    "A manual edit heals",
    "A bad commit fails, somebody is told, and what runs is left alone",
    "The fix",
    "A Helm release from the same repository",
    "An artifact from a registry, next to the git repository",
    "A new image becomes a commit, and the commit rolls out",
]
SEEN = [
    "chat: kustomization/shop.flux-system",
    "ConfigMap shop/prices",
    "by Headwater: Run shop 1.2.0",
    '+ newTag: 1.2.0 # {"$imagepolicy": "flux-system:shop:tag"}',
    "Deployment shop/web: shop:1.2.0",
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Everything temporary goes where the test can look."""
    return {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def kept(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "cli.demo", "--keep"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def left_behind(folder: Path) -> list[str]:
    """Command lines of processes that were started with something in the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_it_tells_the_whole_story_in_time(environment: dict[str, str], tmp_path: Path) -> None:
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "cli.demo"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - begun < 60
    assert re.findall(r"^\d  (.+)$", done.stdout, re.MULTILINE) == STEPS
    assert [line for line in SEEN if line not in done.stdout] == []
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\033" not in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
    assert left_behind(tmp_path) == []


def test_kept_it_runs_until_ctrl_c_and_leaves_nothing(kept: subprocess.Popen[str], tmp_path: Path) -> None:
    assert kept.stdout is not None
    exported = next((line for line in kept.stdout if line.startswith("export KUBECONFIG=")), "")
    kubeconfig = Path(exported.strip().removeprefix("export KUBECONFIG="))
    assert kubeconfig.is_file()
    assert len(left_behind(tmp_path)) >= 3
    kept.send_signal(signal.SIGINT)
    assert kept.wait(30) == 0
    assert list(tmp_path.iterdir()) == []
    assert left_behind(tmp_path) == []


def test_ctrl_c_in_the_midst_of_it_leaves_nothing(kept: subprocess.Popen[str], tmp_path: Path) -> None:
    assert kept.stdout is not None
    assert any(line.startswith("1  ") for line in kept.stdout)
    kept.send_signal(signal.SIGINT)
    assert kept.wait(30) == 130
    assert list(tmp_path.iterdir()) == []
    assert left_behind(tmp_path) == []
