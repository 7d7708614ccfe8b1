"""The command line: prints a build, or one line on standard error."""

import subprocess
import sys
from pathlib import Path

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
REPOSITORY = Path(__file__).parents[4]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shared.kustomize", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


def test_prints_a_build(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [../a.yaml]\n")
    (tmp_path.parent / "a.yaml").write_text(MAP)
    refused = run(str(tmp_path))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("error: ")
    assert refused.stderr.count("\n") == 1
    done = run(str(tmp_path), "--load-restrictor=LoadRestrictionsNone")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"


def test_a_wrong_flag() -> None:
    done = run("--nope")
    assert done.returncode == 1
    assert "unknown flag" in done.stderr
