"""Git for the rest of a controller: typed calls, answered by worker processes (pool.py).

Imports neither dulwich nor ssh nor cryptography; every call has a time limit and raises GitError.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from shared.git.pool import WorkerPool
from shared.git.remote import Remote

_MAX_SUBJECT = 50


@dataclass(frozen=True, slots=True)
class Commit:
    """A fetched commit. `tag` is the hash of the annotated tag that led to it, or nothing;
    `time` is the committer's, in seconds since the epoch.
    """

    hash: str
    message: str
    time: int
    tag: str = ""

    @property
    def subject(self) -> str:
        """The first line of the message, cut to 50 characters (spec source 4.3)."""
        first = self.message.strip().partition("\n")[0].rstrip()
        return first if len(first) <= _MAX_SUBJECT else first[:_MAX_SUBJECT] + "..."


@dataclass(frozen=True, slots=True)
class Module:
    """A fetched submodule: where it lies in the tree, and the bare repository that has its commit."""

    path: tuple[str, ...]
    repository: str
    commit: str


@dataclass(frozen=True, slots=True)
class GitHubApp:
    """What identifies an installation of a GitHub App: its id, or the account it is installed for."""

    app_id: str
    private_key: str
    installation_id: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`kind` is `gpg` (armored private key) or `ssh`; `secret` names where it came from, for messages."""

    kind: str
    text: str = field(repr=False)
    passphrase: str = field(repr=False)
    secret: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit to be made: `parent` and `tree` are hashes, `time` is in seconds since the epoch."""

    parent: str
    tree: str
    author_name: str
    author_email: str
    message: str
    time: int
    key: SigningKey | None = None


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """Move a ref, by its full name, to `new`, if it still is at `expected` (empty: does not exist)."""

    ref: str
    new: str
    expected: str


class Git:
    """Calls in `within` or fail with GitTimeout; the names of files are those of this host."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    async def list_refs(
        self, remote: Remote, prefixes: Sequence[str], *, within: timedelta
    ) -> Mapping[str, str]:
        """Hashes by full ref name; for an annotated tag also `<name>^{}` with the commit behind it."""
        argument = self._to(remote, within) | {"prefixes": list(prefixes)}
        refs: dict[str, str] = (await self._run("fetching:list_refs", argument, within))["refs"]
        return refs

    async def fetch(self, remote: Remote, sha: str, into: Path, *, within: timedelta) -> Commit:
        """Fetch one commit, or the tag that leads to it, into a new bare repository."""
        argument = self._to(remote, within) | {"sha": sha, "into": str(into)}
        found = await self._run("fetching:fetch", argument, within)
        return Commit(found["commit"], found["message"], found["time"], found["tag"])

    async def fetch_submodules(
        self, remote: Remote, repository: Path, commit: str, *, within: timedelta
    ) -> list[Module]:
        """Fetch the commit's submodules, and theirs, beside its repository."""
        argument = self._to(remote, within) | {"repository": str(repository), "commit": commit}
        found = await self._run("submodules:fetch_submodules", argument, within)
        return [Module(tuple(m["path"]), m["repository"], m["commit"]) for m in found["modules"]]

    async def require_paths(
        self, repository: Path, commit: str, paths: Sequence[tuple[str, ...]], *, within: timedelta
    ) -> None:
        """Raises PathNotFound for the first path that the commit's tree does not have."""
        argument = {"repository": str(repository), "commit": commit, "paths": [list(p) for p in paths]}
        await self._run("tree:require_paths_of", argument, within)

    async def verify(
        self, repository: Path, sha: str, keys: Mapping[str, bytes], *, within: timedelta
    ) -> str:
        """Who signed a commit or tag. Raises UnsignedObject, VerificationFailed."""
        encoded = {name: base64.b64encode(value).decode() for name, value in keys.items()}
        argument = {"repository": str(repository), "object": sha, "keys": encoded}
        signer: str = (await self._run("verify:verify_object", argument, within))["key"]
        return signer

    async def require_usable_key(self, key: SigningKey, *, within: timedelta) -> None:
        """Raises SigningKeyUnusable for a key that could not sign."""
        await self._run("sign:require_usable", {"key": asdict(key)}, within)

    async def commit(self, repository: Path, draft: Draft, *, within: timedelta) -> str:
        """Write a commit into a fetched repository; returns its hash. Raises SigningKeyUnusable."""
        argument = {"repository": str(repository), **asdict(draft)}
        commit: str = (await self._run("commit:commit", argument, within))["commit"]
        return commit

    async def push(
        self,
        remote: Remote,
        repository: Path,
        updates: Sequence[RefUpdate],
        options: Sequence[str],
        *,
        within: timedelta,
    ) -> None:
        """Update refs of the remote. Raises PushRaced when one has moved, PushRejected for all else."""
        argument = self._to(remote, within) | {
            "repository": str(repository),
            "updates": [asdict(update) for update in updates],
            "options": list(options),
        }
        await self._run("push:push", argument, within)

    async def leads_to(
        self, remote: Remote, ancestor: str, commit: str, into: Path, *, within: timedelta
    ) -> bool:
        """Is a commit in the history of another? All of that is fetched into a new repository."""
        argument = self._to(remote, within) | {"ancestor": ancestor, "commit": commit, "into": str(into)}
        found: bool = (await self._run("history:leads_to", argument, within))["leads"]
        return found

    async def installation_token(self, api: Remote, app: GitHubApp, *, within: timedelta) -> tuple[str, str]:
        """A token for git, and when it ends (RFC 3339). `api` is the GitHub API's base URL."""
        found = await self._run(
            "github_app:installation_token", {"remote": api.render(), **asdict(app)}, within
        )
        return found["token"], found["expires_at"]

    async def run(self, job: str, argument: Mapping[str, Any], *, within: timedelta) -> dict[str, Any]:
        """Any other job that reads fetched repositories."""
        return await self._pool.run(job, argument, within=within)

    async def _run(self, job: str, argument: Mapping[str, Any], within: timedelta) -> dict[str, Any]:
        return await self._pool.run(f"shared.git.{job}", argument, within=within)

    @staticmethod
    def _to(remote: Remote, within: timedelta) -> dict[str, Any]:
        return {"remote": remote.render(), "seconds": within.total_seconds()}
