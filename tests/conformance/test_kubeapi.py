"""The recorded conversations with a genuine API server, played against the embedded one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SUITE = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "kubeapi"
GROUPS = (
    "discovery",
    "crud",
    "patch",
    "ssa",
    "defaults",
    "validation",
    "crds",
    "watch",
    "lifecycle",
    "rbac",
    "misc",
)
TOKEN = "conformance"  # a cluster of this test alone

pytestmark = pytest.mark.skipif(not (SUITE / "run.py").exists(), reason=f"no conformance data at {SUITE}")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    config = tmp_path_factory.mktemp("kubeapi") / "kubeconfig"
    command = [sys.executable, "-m", "localcluster", "--kubeconfig", str(config), "--token", TOKEN]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(1000):
            if config.exists():
                break
            assert process.poll() is None, "the server has ended"
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
        yield json.loads(config.read_text())["clusters"][0]["cluster"]["server"]
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("group", GROUPS)
def test_every_recorded_case_is_answered_alike(url: str, group: str) -> None:
    command = [sys.executable, str(SUITE / "run.py"), "--server", url, "--token", TOKEN, "--insecure"]
    command += ["--jobs", "4", "--only", f"{group}/*"]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert outcome.returncode == 0, outcome.stdout[-8000:] + outcome.stderr[-2000:]
