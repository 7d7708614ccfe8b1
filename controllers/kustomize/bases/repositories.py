"""A directory of a repository on the network, as files on disk: fetched once for each commit.

Its refs are listed every time, so what a build sees is never older than the build.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from controllers.kustomize.bases.guard import Guard
from controllers.kustomize.shared_trees import SharedTrees
from shared.git.client import Git
from shared.git.errors import AuthenticationFailed, GitError
from shared.git.remote import Remote, parse_url, require_valid_ref
from shared.kustomize.errors import RemoteFailed, RemoteRefused
from shared.kustomize.remote import GitAddress, shown_address

_MAX_SECONDS = 120.0
_MAX_FILES = 100_000
_MAX_BYTES = 512 * 2**20
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PEELED = "^{}"


class Repositories:
    def __init__(self, git: Git, trees: SharedTrees, guard: Guard) -> None:
        self._git, self._trees, self._guard = git, trees, guard

    @contextlib.asynccontextmanager
    async def checked_out(self, address: GitAddress) -> AsyncIterator[Path]:
        """The files of the whole repository, for reading. Raises RemoteFailed, RemoteRefused."""
        within = timedelta(seconds=min(address.seconds, _MAX_SECONDS))
        async with contextlib.AsyncExitStack() as stack:
            with _failures(address, within):
                async with asyncio.timeout(within.total_seconds()):
                    remote = await self._remote(address)
                    sha = await self._resolved(remote, address.ref, within)

                    async def fill(into: Path) -> int:
                        return await self._fetch(remote, sha, into, address)

                    # The whole URL, so that nobody gets what needed another's password.
                    key = f"{address.url} {sha} {address.submodules}"
                    files = await stack.enter_async_context(self._trees.use(key, fill))
            yield files / "files"

    async def _remote(self, address: GitAddress) -> Remote:
        if address.url.startswith("ssh://"):
            raise RemoteRefused(
                "there is no key for a remote base by ssh; use https, or make the repository a GitRepository"
            )
        if importlib.util.find_spec("dulwich") is None:
            raise RemoteFailed("git is not part of this installation; add the extra 'source'")
        url = parse_url(address.url)
        await self._guard.require_host(urlsplit(url.clean).hostname or "")
        return Remote(url.clean, username=url.username, password=url.password)

    async def _resolved(self, remote: Remote, ref: str, within: timedelta) -> str:
        """The hash that the ref means, by git's own order of guesses."""
        if _HASH.fullmatch(ref):
            return ref
        names = ["HEAD"]
        if ref:
            require_valid_ref(ref)
            names = [ref, f"refs/{ref}", f"refs/tags/{ref}", f"refs/heads/{ref}"]
        refs = await self._git.list_refs(remote, names, within=within)
        found = next((name for name in names if name in refs), None)
        if found is None:
            raise RemoteFailed(f"there is no ref '{ref or 'HEAD'}' in {remote.url}")
        return refs.get(found + _PEELED, refs[found])

    async def _fetch(self, remote: Remote, sha: str, into: Path, address: GitAddress) -> int:
        within = timedelta(seconds=_MAX_SECONDS)
        repository = into / "git"
        commit = await self._git.fetch(remote, sha, repository, within=within)
        modules = []
        if address.submodules:
            modules = await self._git.fetch_submodules(remote, repository, commit.hash, within=within)
        argument: Mapping[str, object] = {
            "repository": str(repository),
            "commit": commit.hash,
            "modules": [
                {"path": list(module.path), "repository": module.repository, "commit": module.commit}
                for module in modules
            ],
            "into": str(into / "files"),
            "max_files": _MAX_FILES,
            "max_bytes": _MAX_BYTES,
        }
        done = await self._git.run("controllers.kustomize.bases.checkout:check_out", argument, within=within)
        for path in [repository, *(Path(module.repository) for module in modules)]:
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
        return int(done["size"])


@contextlib.contextmanager
def _failures(address: GitAddress, within: timedelta) -> Iterator[None]:
    try:
        yield
    except AuthenticationFailed as error:
        raise RemoteFailed(
            f"{error}; remote bases are fetched without credentials: make the repository a GitRepository"
        ) from error
    except GitError as error:
        raise RemoteFailed(str(error)) from error
    except TimeoutError as error:
        seconds = f"{within.total_seconds():g}"
        raise RemoteFailed(
            f"{shown_address(address.url)} took longer than {seconds} seconds; ?timeout= sets another limit"
        ) from error
    except OSError as error:
        raise RemoteFailed(f"{shown_address(address.url)}: {error.strerror or error}") from error
