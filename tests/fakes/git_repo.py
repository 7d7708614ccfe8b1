"""Bare repositories made with the git program, for servers to serve and tests to read."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "HOME": os.devnull,
}


@dataclass
class GitRepo:
    """A bare repository at `path`, and a work tree beside it in which commits are made."""

    path: Path
    settings: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def create(cls, path: Path) -> "GitRepo":
        path.mkdir(parents=True)
        repo = cls(path)
        repo._run("git", "init", "-q", "--bare", "-b", "main", str(path), cwd=path)
        repo._run("git", "clone", "-q", str(path), str(repo.work), cwd=path)
        return repo

    def accept_pushes(self) -> None:
        """Also over HTTP, where git refuses them without a login; and with options."""
        for setting in ("http.receivepack", "receive.advertisePushOptions"):
            self._run("git", "config", setting, "true", cwd=self.path)

    def hook(self, name: str, script: str) -> None:
        """A program that the server runs, such as one that declines."""
        file = self.path / "hooks" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def show(self, *words: str) -> str:
        """Run git in the bare repository itself: what the server has."""
        given = [part for setting in self.settings for part in ("-c", setting)]
        return self._run("git", *given, *words, cwd=self.path)

    @property
    def work(self) -> Path:
        return self.path.with_name(f"{self.path.stem}-work")

    def git(self, *words: str) -> str:
        """Run git in the work tree; `settings` such as "user.signingkey=..." apply."""
        given = [part for setting in self.settings for part in ("-c", setting)]
        return self._run("git", *given, *words, cwd=self.work)

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Change files of the work tree; None removes one."""
        for name, content in files.items():
            file = self.work / name
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(
        self,
        files: Mapping[str, str | bytes | None],
        message: str = "change",
        *,
        branch: str = "main",
        sign: bool = False,
    ) -> str:
        """Commit to a branch (made where it does not exist) and push; returns the hash."""
        self.checkout(branch)
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, *(["-S"] if sign else []))
        self.git("push", "-q", "-f", "origin", f"HEAD:refs/heads/{branch}")
        return self.head()

    def checkout(self, branch: str) -> None:
        known = self.git("branch", "--list", branch)
        if known:
            self.git("checkout", "-q", branch)
        elif self.git("symbolic-ref", "--short", "HEAD") != branch:
            self.git("checkout", "-q", "-b", branch)

    def tag(self, name: str, *, annotated: bool = False, sign: bool = False) -> str:
        """Tag the head and push; returns the hash that the tag's ref has."""
        kind = ["-s", "-m", name] if sign else ["-a", "-m", name] if annotated else []
        self.git("tag", "-f", *kind, name)
        self.git("push", "-q", "-f", "origin", f"refs/tags/{name}")
        return self.git("rev-parse", f"refs/tags/{name}")

    def push(self, refspec: str) -> None:
        self.git("push", "-q", "-f", "origin", refspec)

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def _run(self, *words: str, cwd: Path) -> str:
        environment = {"PATH": os.environ["PATH"], **_ENVIRONMENT, **self.environment}
        done = subprocess.run(
            words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout.strip()
