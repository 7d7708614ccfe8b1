"""A whole repository without a cluster: what is built, what differs, what is wrong."""

import json
import subprocess
from pathlib import Path

import pytest

from cli.__main__ import main

SYNC = """
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, url: https://example.org/fleet.git, ref: {branch: main}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  interval: 1m
  path: ./apps
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
  postBuild: {substitute: {who: world}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: flux-system}
spec:
  interval: 1m
  values: {greeting: hi}
  chart: {spec: {chart: ./charts/web, sourceRef: {kind: GitRepository, name: flux-system}}}
"""
FILES = {
    "clusters/one/sync.yaml": SYNC,
    "apps/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {hello: '${who}'}\n",
    "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "charts/web/templates/b.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {greeting: '{{ .Values.greeting }}'}\n"
    ),
}
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "1")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, timeout=20)


def test_every_owner_is_built_from_the_entry_point_down(repository: Path, capsys: Capture) -> None:
    assert main(["build", str(repository / "clusters/one"), "-o", "json"]) == 0

    built = capsys.readouterr().out
    assert '"hello":"world"' in built.replace(": ", ":")
    assert '"greeting":"hi"' in built.replace(": ", ":")
    json.loads(built)


def test_a_sound_repository_passes(repository: Path, capsys: Capture) -> None:
    assert main(["test", str(repository / "clusters/one")]) == 0
    assert "5 objects of 3 owners build" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("apps/a.yaml", "data: {x: [1", "Kustomization/flux-system/apps"),
        ("charts/web/templates/b.yaml", "{{ fail `no` }}", "HelmRelease/flux-system/web"),
    ],
)
def test_what_does_not_build_is_named(
    repository: Path, capsys: Capture, file: str, text: str, words: str
) -> None:
    (repository / file).write_text(text)

    assert main(["test", str(repository / "clusters/one")]) == 1

    assert words in capsys.readouterr().err


def test_the_difference_of_two_commits(repository: Path, capsys: Capture) -> None:
    path = str(repository / "clusters/one")
    assert main(["diff", "repository", path]) == 0
    capsys.readouterr()
    file = repository / "apps/a.yaml"
    file.write_text(file.read_text().replace("hello", "goodbye"))

    assert main(["diff", "repository", path]) == 1

    assert "goodbye" in capsys.readouterr().out
