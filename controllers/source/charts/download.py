"""Fetch a file of a chart repository over HTTP: conditional, streamed to disk, bounded, hashed.

Credentials go to the repository's own host alone unless the user says otherwise, and never along with a
redirect to another one (shared.oci.transport).
"""

import asyncio
import zlib
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from http.client import responses
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from shared.logic.digest import Digest, Hasher, new_hasher
from shared.oci.errors import InvalidContent, InvalidCredentials, OciError, TooManyRequests
from shared.oci.gate import Gates
from shared.oci.opening import Opening, tls_context
from shared.oci.reference import shown
from shared.oci.transport import Request, Transport, basic, origin

_CHUNK = 256 * 1024
_GZIP_WINDOW = 31


class DownloadFailed(Exception):
    """No usable answer; the message has no credentials. `retry_in` is what the server asked for."""

    def __init__(self, message: str, retry_in: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_in = retry_in


class DownloadDenied(DownloadFailed):
    """The server answered 401 or 403."""


class CredentialsUnusable(DownloadDenied):
    """Our certificate or key cannot be read: nothing was sent."""


@dataclass(frozen=True, slots=True)
class HttpAccess:
    """What opens a repository: TLS, and an Authorization header for `home`, or for `everywhere`."""

    home: str
    opening: Opening = field(default_factory=Opening)
    authorization: str = field(default="", repr=False)
    everywhere: bool = False
    gates: Gates | None = field(default=None, compare=False)

    def request(self, url: str) -> Request:
        """Raises InvalidContent for what is no URL of HTTP."""
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise InvalidContent("the URL cannot be parsed") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidContent(f"'{shown(url)}' is no URL of http or https")
        own = basic(parts.username or "", parts.password or "") if parts.username or parts.password else ""
        clean = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
        trusted = self.everywhere or origin(url) == origin(self.home)
        return Request("GET", clean, {"Accept-Encoding": "gzip"}).with_authorization(
            (self.authorization if trusted else "") or own
        )


@dataclass(frozen=True, slots=True)
class Validators:
    """What lets a server say that nothing has changed; empty where it gave none."""

    etag: str = ""
    modified: str = ""

    def headers(self) -> dict[str, str]:
        found = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in found.items() if value}


NOTHING_KNOWN = Validators()


@dataclass(frozen=True, slots=True)
class Downloaded:
    """`size` and `digest` are of the bytes as the server means them, without transfer compression."""

    size: int
    digest: Digest
    validators: Validators


@dataclass(frozen=True, slots=True)
class Wanted:
    """A download: at most `limit` bytes in at most `within`."""

    url: str
    limit: int
    within: timedelta
    algorithm: str = "sha256"
    known: Validators = NOTHING_KNOWN


async def download(access: HttpAccess, wanted: Wanted, into: Path) -> Downloaded | None:
    """The file, written to `into`; None when it is still what `known` says. Raises DownloadFailed."""
    where = shown(wanted.url)
    try:
        async with asyncio.timeout(wanted.within.total_seconds()):
            return await _download(access, wanted, into)
    except TimeoutError as error:
        seconds = wanted.within.total_seconds()
        raise DownloadFailed(f"failed to fetch {where}: timed out after {seconds:g}s") from error
    except TooManyRequests as error:
        wait = None if error.retry_after is None else timedelta(seconds=min(error.retry_after, 3600))
        raise DownloadFailed(f"failed to fetch {where}: {error}", wait) from error
    except InvalidCredentials as error:
        raise CredentialsUnusable(str(error)) from error
    except OciError as error:
        raise DownloadFailed(f"failed to fetch {where}: {error}") from error
    except OSError as error:
        raise DownloadFailed(f"failed to fetch {where}: {error.strerror or error}") from error


async def _download(access: HttpAccess, wanted: Wanted, into: Path) -> Downloaded | None:
    request = access.request(wanted.url)
    request = Request(request.method, request.url, {**request.headers, **wanted.known.headers()})
    transport = Transport(access.opening, await tls_context(access.opening), access.gates)
    try:
        async with transport.answer(request) as response:
            if response.status == HTTPStatus.NOT_MODIFIED and wanted.known != NOTHING_KNOWN:
                return None
            _require_ok(response, wanted)
            return await _saved(response, wanted, into)
    finally:
        await transport.close()


def _require_ok(response: aiohttp.ClientResponse, wanted: Wanted) -> None:
    if response.status == HTTPStatus.OK:
        length = response.content_length
        if length is not None and length > wanted.limit:
            raise DownloadFailed(_too_large(wanted))
        return
    phrase = responses.get(response.status, "")
    message = f"failed to fetch {shown(wanted.url)} : {response.status} {phrase}".rstrip()
    denied = response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    raise (DownloadDenied if denied else DownloadFailed)(message)


async def _saved(response: aiohttp.ClientResponse, wanted: Wanted, into: Path) -> Downloaded:
    hasher = new_hasher(wanted.algorithm)
    with await asyncio.to_thread(into.open, "xb") as out:
        sink = _Sink(out, hasher, wanted, is_gzip=response.headers.get("Content-Encoding") == "gzip")
        async for chunk in response.content.iter_chunked(_CHUNK):
            await asyncio.to_thread(sink.take, chunk)
        sink.end()
    validators = Validators(response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
    return Downloaded(sink.size, Digest(wanted.algorithm, hasher.hexdigest()), validators)


class _Sink:
    """Writes, hashes and counts; what was compressed for the transfer is unpacked piece by piece."""

    def __init__(self, out: BinaryIO, hasher: Hasher, wanted: Wanted, *, is_gzip: bool) -> None:
        self._out, self._hasher, self._wanted = out, hasher, wanted
        self._gzip = zlib.decompressobj(wbits=_GZIP_WINDOW) if is_gzip else None
        self.size = 0

    def take(self, chunk: bytes) -> None:
        if self._gzip is None:
            self._keep(chunk)
            return
        while chunk and not self._gzip.eof:
            try:
                self._keep(self._gzip.decompress(chunk, _CHUNK))
            except zlib.error as error:
                raise DownloadFailed(f"failed to fetch {shown(self._wanted.url)}: {error}") from error
            chunk = self._gzip.unconsumed_tail

    def end(self) -> None:
        if self._gzip is None:
            return
        self._keep(self._gzip.flush())
        if not self._gzip.eof:
            raise DownloadFailed(f"failed to fetch {shown(self._wanted.url)}: the answer ends too early")

    def _keep(self, content: bytes) -> None:
        self.size += len(content)
        if self.size > self._wanted.limit:
            raise DownloadFailed(_too_large(self._wanted))
        self._hasher.update(content)
        self._out.write(content)


def _too_large(wanted: Wanted) -> str:
    return f"{shown(wanted.url)} is larger than the limit of {wanted.limit} bytes"
