"""A git repository with a remote, written to with genuine git; and manifests to put into it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_GIT = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]


@dataclass
class Repository:
    """A clone at `folder` whose origin is a bare repository that some server serves at `url`."""

    folder: Path
    url: str
    branch: str = "main"

    @classmethod
    def create(cls, root: Path, url: str, name: str = "repo.git") -> Repository:
        bare, folder = root / name, root / f"{name}-work"
        _run(root, "init", "-q", "--bare", "-b", "main", str(bare))
        # A server may hide commits that no ref points at; ours answers for any.
        _run(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
        _run(root, "init", "-q", "-b", "main", str(folder))
        _run(folder, "remote", "add", "origin", str(bare))
        return cls(folder, url)

    def commit(
        self, files: Mapping[str, str], *, remove: tuple[str, ...] = (), message: str = "a change"
    ) -> str:
        """Write, remove, commit and push; returns the revision as source-controller spells it."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name in remove:
            (self.folder / name).unlink()
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", "origin", f"HEAD:{self.branch}")
        return f"{self.branch}@sha1:{self.head()}"

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        return _run(self.folder, *arguments)


def _run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*_GIT, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def manifest(
    api_version: str, kind: str, name: str, *, annotations: Mapping[str, str] | None = None, **fields: Any
) -> str:
    metadata: dict[str, Any] = {"name": name}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return yaml.safe_dump({"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields})


def config_map(name: str, **data: str) -> str:
    return manifest("v1", "ConfigMap", name, **({"data": data} if data else {}))
