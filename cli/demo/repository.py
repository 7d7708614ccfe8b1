"""The sample repository: a bare one that is served, and a working copy in which the demo commits."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

SAMPLE = Path(__file__).parent / "sample"
NAME = "shop.git"
_SECONDS = 30
# The user's own configuration (hooks, signing, templates) must neither break the demo nor be changed by it.
_SETTINGS = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Headwater demo",
    "GIT_AUTHOR_EMAIL": "demo@example.com",
    "GIT_COMMITTER_NAME": "Headwater demo",
    "GIT_COMMITTER_EMAIL": "demo@example.com",
}


class GitFailed(Exception):
    """The git program is missing or refused; the message holds what it said."""


class Repository:
    """`served`: the folder of bare repositories. `work`: the working copy."""

    def __init__(self, served: Path, work: Path) -> None:
        self.served, self.work = served, work

    @classmethod
    async def create(cls, folder: Path) -> Repository:
        """Both in `folder`, with the sample as first commit on main. Raises GitFailed."""
        repository = cls(folder / "git", folder / "shop")
        bare = repository.served / NAME
        await asyncio.to_thread(shutil.copytree, SAMPLE, repository.work)
        bare.mkdir(parents=True)
        await repository._git("init", "--quiet", "--bare", at=bare)
        await repository._git("symbolic-ref", "HEAD", "refs/heads/main", at=bare)
        await repository._git("config", "http.receivepack", "true", at=bare)
        await repository._git("init", "--quiet")
        await repository._git("symbolic-ref", "HEAD", "refs/heads/main")
        await repository._git("remote", "add", "origin", str(bare))
        await repository.publish("The shop, version 1.0.0", first=True)
        return repository

    async def publish(self, message: str, *, first: bool = False) -> str:
        """Commit everything and push; returns the commit's hash."""
        await self._git("add", "--all")
        await self._git("commit", "--quiet", "--message", message)
        await self._git("push", "--quiet", *(["--set-upstream"] if first else []), "origin", "main")
        return await self._git("rev-parse", "HEAD")

    async def head(self) -> str:
        """The hash of the working copy's commit."""
        return await self._git("rev-parse", "HEAD")

    async def pull(self) -> None:
        """Take over what others have pushed."""
        await self._git("pull", "--quiet", "--ff-only", "origin", "main")

    async def described(self, commit: str) -> str:
        """`Author: subject`."""
        return await self._git("show", "--no-patch", "--format=%an: %s", commit)

    async def changed_lines(self, old: str, new: str, file: str) -> list[str]:
        """The lines of the file that differ, with `-` or `+` before them."""
        diff = await self._git("diff", "--unified=0", old, new, "--", file)
        body = diff.partition("\n@@")[2].splitlines()
        return [f"{line[0]} {line[1:].strip()}" for line in body if line.startswith(("-", "+"))]

    def replace(self, file: str, old: str, new: str) -> None:
        """Edit a file of the working copy; the text must be there."""
        path = self.work / file
        text = path.read_text()
        if old not in text:
            raise GitFailed(f"{file} of the sample holds no {old!r}")
        path.write_text(text.replace(old, new))

    async def _git(self, *args: str, at: Path | None = None) -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *args,
                cwd=at or self.work,
                env=_environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise GitFailed(f"cannot run git ({error}); the demo needs it on PATH") from error
        async with asyncio.timeout(_SECONDS):
            out, problem = await process.communicate()
        if process.returncode:
            raise GitFailed(f"git {args[0]}: {(problem or out).decode(errors='replace').strip()}")
        return out.decode().strip()


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return inherited | _SETTINGS
