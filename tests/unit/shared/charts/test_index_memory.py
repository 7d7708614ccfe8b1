"""A large index costs little memory: it must fit where its text alone would not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
VERSIONS, DATA_BYTES = 40_000, 28 * 1024 * 1024
REWRITE = f"""
import resource, sys
from shared.charts.index import rewrite_index
resource.setrlimit(resource.RLIMIT_DATA, ({DATA_BYTES}, {DATA_BYTES}))
with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb") as sink:
    print(rewrite_index(source, sink).versions)
"""
ENTRY = '- {{name: app, version: 1.{}.{}, urls: ["https://example.com/{}"], description: "{}"}}\n'


def lines() -> Iterator[str]:
    yield "apiVersion: v1\nentries:\n  app:\n"
    for number in range(VERSIONS):
        yield "  " + ENTRY.format(number % 100, number // 100, "a" * 200, "b" * 500)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    file = tmp_path / "index.yaml"
    with file.open("w") as out:
        out.writelines(lines())
    return file


def test_a_chart_of_very_many_versions(big: Path, tmp_path: Path) -> None:
    assert big.stat().st_size > DATA_BYTES
    command = [sys.executable, "-c", REWRITE, str(big), str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == (f"{VERSIONS}\n", "")
