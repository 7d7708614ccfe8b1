"""The program from the outside, where it needs no cluster: help, errors in one line, exit status."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from cli.__main__ import main

ROOT = Path(__file__).resolve().parents[3]
KUSTOMIZATION = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web}
spec:
  {interval: 1h, path: ./app, prune: true, namePrefix: my-, sourceRef: {kind: GitRepository, name: r},
   postBuild: {substitute: {who: world}}}
"""
CONFIG_MAP = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: apps}\ndata: {hello: '${who}'}\n"
)
BUILT = """\
apiVersion: v1
data:
  hello: world
kind: ConfigMap
metadata:
  labels:
    kustomize.toolkit.fluxcd.io/name: web
    kustomize.toolkit.fluxcd.io/namespace: flux-system
  name: my-a
  namespace: apps
---
"""

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "a.yaml").write_text(CONFIG_MAP)
    (tmp_path / "ks.yaml").write_text(KUSTOMIZATION)
    return tmp_path


def build(checkout: Path, *more: str) -> int:
    return main(
        [
            "build",
            "ks",
            "web",
            "--path",
            str(checkout / "app"),
            "--kustomization-file",
            str(checkout / "ks.yaml"),
            "--dry-run",
            *more,
        ]
    )


def test_build_without_a_cluster(checkout: Path, capsys: Capture) -> None:
    assert build(checkout) == 0
    assert capsys.readouterr() == (BUILT, "")


def test_a_folder_that_leaves_what_would_be_the_artifact(checkout: Path, capsys: Capture) -> None:
    (checkout.parent / "outside.yaml").write_text(CONFIG_MAP)
    (checkout / "app" / "kustomization.yaml").write_text("resources: [../../outside.yaml]\n")
    assert build(checkout) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("✗ kustomize build failed:")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (["gte"], 1, "No such command 'gte'. Did you mean 'get'?"),
        (
            ["get", "kustomisations"],
            1,
            "No such command 'kustomisations'. (Did you mean one of: 'kustomization'",
        ),
        (["get", "ks", "-n", "A_B"], 1, 'namespace must be a valid DNS label: "A_B"'),
        (["get", "ks", "--timeout", "soon"], 1, '--timeout "soon" is no duration'),
        (["get", "ks", "--kubeconfig", "absent"], 1, 'there is no kubeconfig "absent"'),
        (["get", "all", "--watch"], 1, "expected a single resource type, but found all"),
        (["get", "ks", "--status-selector", "x"], 1, "expected status selector"),
        (["reconcile", "ks"], 1, "Kustomization name is required"),
        (["reconcile", "source", "git"], 1, "GitRepository name is required"),
        (["suspend", "source", "git"], 1, "source git name is required"),
        (["resume", "ks"], 1, "kustomization name is required"),
        (["tree", "ks"], 1, "kustomization name is required"),
        (["events", "--for", "Pod/x"], 1, "'Pod' is not a recognized Flux kind"),
        (["events", "--types", "Odd"], 1, "type 'Odd' not supported. Supported types are Normal, Warning"),
        (["build", "ks", "web", "--path", "absent"], 1, 'invalid resource path "absent"'),
        (["build", "ks", "web", "--path", ".", "--dry-run"], 1, "dry-run mode requires a kustomization file"),
        (["diff", "ks", "web", "--path", "absent"], 2, 'invalid resource path "absent"'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line(arguments: list[str], status: int, line: str, capsys: Capture) -> None:
    assert main(arguments) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"✗ {line}")
    assert shown.err.count("\n") == 1


def test_an_api_server_that_does_not_answer(capsys: Capture) -> None:
    flags = ["--server", "http://127.0.0.1:9", "--token", "of-mine"]
    assert main(["get", "ks", *flags]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("✗ no answer from the Kubernetes API: ")
    assert "of-mine" not in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize(
    "word", ["get", "reconcile", "suspend", "resume", "export", "delete", "build", "diff", "tree", "events"]
)
def test_every_command_has_help(word: str, capsys: Capture) -> None:
    assert main([word, "--help"]) == 0
    assert "--kubeconfig" in capsys.readouterr().out


def test_help_imports_no_command_and_no_client() -> None:
    program = (
        "import sys; from cli.__main__ import main; main(['--help']);"
        "sys.exit(any(name.startswith(('aiohttp', 'cli.commands', 'controllers')) for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("given", "flags", "expected"),
    [
        ("a ${HW_TEST} b\n", [], (0, "a value b\n", "")),
        ("${HW_ABSENT:-x} $${y}\n", ["--strict"], (0, "x ${y}\n", "")),
        ("${HW_ABSENT}\n", [], (0, "\n", "")),
        ("${HW_ABSENT}\n", ["--strict"], (1, "", '✗ variable not set (strict mode): "HW_ABSENT"\n')),
    ],
)
def test_envsubst(
    given: str,
    flags: list[str],
    expected: tuple[int, str, str],
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HW_TEST", "value")
    monkeypatch.setattr("sys.stdin", io.StringIO(given))

    status = main(["envsubst", *flags])

    shown = capsys.readouterr()
    assert (status, shown.out, shown.err) == expected


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_completion_scripts_call_the_program(shell: str, capsys: Capture) -> None:
    assert main(["completion", shell]) == 0
    assert "_HEADWATER_COMPLETE" in capsys.readouterr().out
