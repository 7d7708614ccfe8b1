"""The difference of two commits: what it shows, what it hides, and its exit status."""

from __future__ import annotations

import subprocess
from pathlib import Path

import orjson
import pytest

from cli.__main__ import main
from tests.unit.cli.offline.sample import write

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    """Of a repository of two commits, the second with another value of a Secret."""
    entry = write(tmp_path)
    (tmp_path / ".git" / "HEAD").unlink()
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    file = entry / "variables.yaml"
    file.write_text(file.read_text().replace("crimson", "scarlet"))
    git(tmp_path, "commit", "-qam", "two")
    return entry


def git(root: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *identity, *words], cwd=root, check=True, timeout=30)


def test_every_object_that_changes_is_named_and_no_secret_told(entry: Path, capsys: Capture) -> None:
    assert main(["diff", str(entry), "--from", "HEAD~1", "--to", "HEAD", "-o", "json"]) == 1
    found = orjson.loads(capsys.readouterr().out)["changes"]
    assert {item["object"]: item["change"] for item in found} == {
        "Secret/flux-system/values": "changed",
        "ConfigMap/shop/web-0": "changed",
    }
    secret = next(item["diff"] for item in found if item["object"].startswith("Secret"))
    assert "@@" in secret
    assert "scarlet" not in secret
    assert "crimson" not in secret


@pytest.mark.parametrize(
    ("revision", "status"), [("HEAD", 0), ("main^", 1), ("HEAD~1", 1), ("HEAD~2", 2), ("no-such-commit", 2)]
)
def test_exit_status(entry: Path, revision: str, status: int) -> None:
    assert main(["diff", str(entry), "--from", revision]) == status


def test_what_no_longer_builds_is_no_difference(entry: Path, capsys: Capture) -> None:
    (entry.parents[1] / "apps" / "0" / "a.yaml").write_text("kind: [")
    assert main(["diff", str(entry)]) == 2
    assert "Kustomization/flux-system/app-0: kustomize build failed" in capsys.readouterr().err


def test_markdown_cannot_be_broken_out_of(entry: Path, capsys: Capture) -> None:
    file = entry / "variables.yaml"
    file.write_text(file.read_text().replace("who: world", 'who: world, note: "```\\n<script>\\n"'))
    assert main(["diff", str(entry), "-o", "markdown"]) == 1
    assert "\n````diff\n" in capsys.readouterr().out
