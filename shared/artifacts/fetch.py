"""Download artifacts as consumers do: retry, check the digest, then unpack (spec source 5.7).

Downloads stream to disk. Several reconciles that want one artifact at a time share one download.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from shared.artifacts.errors import (
    ArchiveTooLarge,
    ArtifactNotFound,
    ArtifactUnavailable,
    DigestMismatch,
    StorageFailed,
)
from shared.artifacts.tar_stream import Limits
from shared.artifacts.unpack import Links, Unpacked, unpack
from shared.logic.digest import Digest, Hasher, InvalidDigest, new_hasher
from shared.model.artifact import Artifact

_CHUNK = 1024 * 1024
_RETRIED_STATUS = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How hard to try, and how much to take.

    `retries` come after the first try, with waits that double from `min_wait` to `max_wait`;
    `stall` is how long the server may send nothing; `host` replaces the host of every URL
    (SOURCE_CONTROLLER_LOCALHOST, a development aid).
    """

    retries: int = 9
    min_wait: timedelta = timedelta(seconds=5)
    max_wait: timedelta = timedelta(seconds=30)
    stall: timedelta = timedelta(seconds=30)
    max_bytes: int = 1024**3
    host: str = ""


class _Failing(Exception):
    """One try failed in a way that another may not."""


@dataclass(slots=True)
class _Flight:
    """One artifact's download, shared by `users`; `file` is set once it is complete."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    file: Path | None = None


class Fetcher:
    """Downloads into `directory`, which must exist and belong to this process."""

    def __init__(
        self, session: aiohttp.ClientSession, directory: Path, policy: FetchPolicy | None = None
    ) -> None:
        self._session = session
        self._directory = directory
        self._policy = policy or FetchPolicy()
        self._flights: dict[tuple[str, str], _Flight] = {}

    async def unpacked(
        self, artifact: Artifact, into: Path, *, limits: Limits | None = None, links: Links = Links.SKIP
    ) -> Unpacked:
        """Fetch, verify and extract into an existing directory.

        Raises ArtifactNotFound, ArtifactUnavailable, DigestMismatch, ArchiveRefused, ArchiveTooLarge.
        """
        async with self.fetched(artifact) as archive:
            return await unpack(archive, into, limits=limits, links=links)

    @contextlib.asynccontextmanager
    async def fetched(self, artifact: Artifact) -> AsyncIterator[Path]:
        """The verified file, which lives until the last of its users leaves the context."""
        key = (artifact.url, artifact.digest)
        flight = self._flights.setdefault(key, _Flight())
        flight.users += 1
        try:
            async with flight.lock:
                if flight.file is None:
                    flight.file = await self._download(artifact)
            yield flight.file
        finally:
            flight.users -= 1
            if flight.users == 0:
                del self._flights[key]
                if flight.file is not None:
                    flight.file.unlink(missing_ok=True)

    async def _download(self, artifact: Artifact) -> Path:
        expected = _expected_digest(artifact)
        url = _with_host(artifact.url, self._policy.host)
        target = self._directory / f"download-{secrets.token_hex(8)}"
        wait = self._policy.min_wait
        try:
            for tries_left in range(self._policy.retries, -1, -1):
                try:
                    await self._try(url, target, expected)
                except _Failing as failing:
                    if tries_left == 0:
                        raise ArtifactUnavailable(
                            f"failed to download artifact from {url}: {failing}"
                        ) from failing
                    await asyncio.sleep(wait.total_seconds())
                    wait = min(wait * 2, self._policy.max_wait)
                else:
                    return target
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        raise AssertionError("the last try either returns or raises")

    async def _try(self, url: str, target: Path, expected: Digest) -> None:
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=10, sock_read=self._policy.stall.total_seconds()
        )
        hasher = new_hasher(expected.algorithm)
        try:
            # Bytes as stored: the digest is over the compressed file.
            async with self._session.get(
                url, timeout=timeout, headers={"Accept-Encoding": "identity"}, auto_decompress=False
            ) as response:
                self._require_ok(response, url)
                await self._receive(response, target, hasher)
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise _Failing(f"{type(error).__name__}: {error}") from error
        except OSError as error:
            raise StorageFailed(f"storing the download failed: {error.strerror or error}") from error
        if hasher.hexdigest() != expected.hex:
            raise DigestMismatch(
                f"artifact from {url} has digest '{expected.algorithm}:{hasher.hexdigest()}', "
                f"expected '{expected}'"
            )

    def _require_ok(self, response: aiohttp.ClientResponse, url: str) -> None:
        if response.status == 404:
            raise ArtifactNotFound(f"artifact not found at {url}")
        if response.status in _RETRIED_STATUS:
            raise _Failing(f"the server answered {response.status}")
        if response.status != 200:
            raise ArtifactUnavailable(
                f"failed to download artifact from {url}: the server answered {response.status}"
            )

    async def _receive(self, response: aiohttp.ClientResponse, target: Path, hasher: Hasher) -> None:
        received = 0
        limit = self._policy.max_bytes
        with await asyncio.to_thread(target.open, "wb") as out:
            async for chunk in response.content.iter_chunked(_CHUNK):
                received += len(chunk)
                if received > limit:
                    raise ArchiveTooLarge(f"artifact is larger than {limit} bytes")
                await asyncio.to_thread(_keep, chunk, out, hasher)


def _keep(chunk: bytes, out: BinaryIO, hasher: Hasher) -> None:
    hasher.update(chunk)
    out.write(chunk)


def _expected_digest(artifact: Artifact) -> Digest:
    try:
        return Digest.parse(artifact.digest)
    except InvalidDigest as error:
        raise DigestMismatch(
            f"artifact of revision '{artifact.revision}' cannot be verified: {error}"
        ) from error


def _with_host(url: str, host: str) -> str:
    return urlunsplit(urlsplit(url)._replace(netloc=host)) if host else url
