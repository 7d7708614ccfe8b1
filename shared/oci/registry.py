"""Read one repository of a registry (OCI distribution specification 1.1, and Docker's v2 before it).

Every answer is bounded and checked against the digest by which it was asked for.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urljoin

import aiohttp

from shared.oci.authorization import Authorizations, Scope, authorize, parse_challenges
from shared.oci.errors import (
    ContentMismatch,
    ContentNotFound,
    ContentTooLarge,
    InvalidContent,
    OciError,
    RegistryDenied,
    RegistryUnreachable,
    TooManyRequests,
)
from shared.oci.gate import Gates
from shared.oci.manifest import ACCEPT, Descriptor, Index, Manifest, parse_manifest, parse_object
from shared.oci.opening import Opening, tls_context
from shared.oci.reference import Repository, digest_of, is_digest, require_digest, require_tag
from shared.oci.transport import Request, Transport, origin, read_body, refusal

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
_MAX_PAGE_BYTES = 8 * 1024 * 1024
_MAX_PAGES = 10_000
_PAGE = 1_000
# A longer one is not worth keeping; cut, it matches nothing and the page is read again.
_MAX_ETAG = 200
_MAX_URL = 4_096
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TagPage:
    """Some of the tags. `url` is empty for the first page, `etag` where none came, `next` at the end."""

    url: str
    tags: list[str]
    etag: str
    next: str


class Registry:
    """One repository; `actions` is what a token is asked for: `pull`, or `pull,push`."""

    def __init__(
        self, transport: Transport, repository: Repository, known: Authorizations, *, actions: str = "pull"
    ) -> None:
        self.repository = repository
        self._transport, self._known, self._actions = transport, known, actions
        self._base = ""

    async def digest(self, reference: str) -> str:
        """What a tag points at now. Raises OciError."""
        try:
            return await self._head_digest(reference)
        except TooManyRequests:
            raise
        except OciError:
            # Some registries refuse HEAD, or leave the digest out.
            return (await self.manifest_bytes(reference))[1]

    async def manifest(self, reference: str) -> Manifest | Index:
        """By tag or digest. Raises OciError."""
        return parse_manifest((await self.manifest_bytes(reference))[0])

    async def image(self, digest: str) -> Manifest:
        """The manifest itself, or that of the default platform where an index is. Raises OciError."""
        found = await self.manifest(digest)
        if isinstance(found, Index):
            found = await self.manifest(found.for_platform().digest)
        if isinstance(found, Index):
            raise InvalidContent(f"{self.repository.at(digest)} is an index of indexes")
        return found

    async def manifest_bytes(self, reference: str) -> tuple[bytes, str]:
        """The manifest as it is, and its digest. Raises OciError."""
        async with self.answer("GET", _manifest_path(reference), accept=ACCEPT) as response:
            await self._require(response, 200, self.repository.at(reference))
            raw = await read_body(response, MAX_MANIFEST_BYTES, f"manifest {self.repository.at(reference)}")
            promised = response.headers.get("Docker-Content-Digest", "")
        expected = reference if ":" in reference else promised
        found = digest_of(raw, expected) if is_digest(expected) else digest_of(raw)
        if expected and found != expected:
            raise ContentMismatch(f"manifest {self.repository.at(reference)} has digest {found}")
        return raw, found

    async def tag_pages(self) -> AsyncIterator[list[str]]:
        """All tags, page by page, so that a caller need not hold them. Raises OciError."""
        async for page in self.pages():
            yield page.tags

    async def pages(self) -> AsyncIterator[TagPage]:
        """As `tag_pages`, with what it takes to ask for a page again. Raises OciError."""
        url, seen = "", set[str]()
        while True:
            page = await self.tag_page(url)
            assert page is not None, "no condition was sent"
            yield page
            if not page.next:
                return
            seen.add(url)
            url = page.next
            if url in seen or len(seen) >= _MAX_PAGES:
                raise InvalidContent(f"the list of tags of {self.repository} does not come to an end")

    async def tag_page(self, url: str = "", *, unless: str = "") -> TagPage | None:
        """One page of tags, the first unless its URL is given; None while its ETag is still `unless`.

        Raises OciError.
        """
        path = url or f"tags/list?n={_PAGE}"
        headers = {"If-None-Match": unless} if unless else {}
        async with self.answer("GET", path, headers=headers) as response:
            if unless and response.status == 304:
                return None
            await self._require(response, 200, str(self.repository))
            raw = await read_body(response, _MAX_PAGE_BYTES, f"page of tags of {self.repository}")
            link, etag = response.links.get("next"), response.headers.get("ETag", "")
        tags = parse_object(raw, "list of tags").get("tags") or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise InvalidContent(f"the list of tags of {self.repository} is none")
        return TagPage(url, tags, etag[:_MAX_ETAG], self._next_page(link, path))

    async def blob(self, descriptor: Descriptor, *, max_bytes: int) -> bytes:
        """A small blob, in memory. Raises OciError."""
        self._require_size(descriptor, max_bytes)
        async with self.answer("GET", f"blobs/{descriptor.digest}") as response:
            await self._require(response, 200, f"blob {self.repository.at(descriptor.digest)}")
            raw = await read_body(response, descriptor.size, f"blob {descriptor.digest}")
        if len(raw) != descriptor.size or digest_of(raw, descriptor.digest) != descriptor.digest:
            raise ContentMismatch(f"blob {self.repository.at(descriptor.digest)} has other content")
        return raw

    async def fetch_blob(self, descriptor: Descriptor, into: Path, *, max_bytes: int) -> None:
        """Stream a blob to a new file, checking length and digest. Raises OciError, OSError (the disk)."""
        self._require_size(descriptor, max_bytes)
        what = f"blob {self.repository.at(descriptor.digest)}"
        hasher = hashlib.new(descriptor.digest.partition(":")[0])
        received = 0
        with await asyncio.to_thread(into.open, "xb") as out:
            async with self.answer("GET", f"blobs/{descriptor.digest}") as response:
                await self._require(response, 200, what)
                async for chunk in response.content.iter_chunked(_CHUNK):
                    received += len(chunk)
                    if received > descriptor.size:
                        raise ContentMismatch(f"{what} is longer than {descriptor.size} bytes")
                    await asyncio.to_thread(_keep, chunk, out, hasher)
        if received != descriptor.size:
            raise ContentMismatch(f"{what} has {received} bytes instead of {descriptor.size}")
        if hasher.hexdigest() != descriptor.digest.partition(":")[2]:
            raise ContentMismatch(f"{what} has another digest: {hasher.hexdigest()}")

    async def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """What refers to a manifest: from the API, or the tag that older registries have instead."""
        require_digest(digest)
        async with self.answer("GET", f"referrers/{digest}") as response:
            if response.status == 200:
                raw = await read_body(response, MAX_MANIFEST_BYTES, "list of referrers")
                return _entries(raw)
            if response.status not in (400, 404, 405):
                await self._require(response, 200, f"referrers of {self.repository.at(digest)}")
        try:
            found = await self.manifest(digest.replace(":", "-"))
        except ContentNotFound:
            return ()
        return found.manifests if isinstance(found, Index) else ()

    @contextlib.asynccontextmanager
    async def answer(
        self,
        method: str,
        path: str,
        *,
        accept: str = "",
        body: bytes | None = None,
        media_type: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An authorized request; `path` is below the repository, or a URL of this registry.

        The status is the caller's to judge. Raises OciError.
        """
        base = await self._origin()
        headers = dict(headers or {})
        if accept:
            headers["Accept"] = accept
        if body is not None:
            headers["Content-Type"] = media_type or "application/octet-stream"
        url = path if "://" in path else f"{base}/v2/{self.repository.path}/{path}"
        scope = Scope(
            base, f"repository:{self.repository.path}:{self._actions}", self._transport.opening.login
        )
        request = Request(method, url, headers, body)
        async with contextlib.AsyncExitStack() as stack:
            first = self._transport.answer(request.with_authorization(self._known.find(scope)))
            response = await stack.enter_async_context(first)
            if response.status == 401 and origin(str(response.url))[1:] == origin(url)[1:]:
                challenges = parse_challenges(response.headers.getall("WWW-Authenticate", []))
                await stack.aclose()
                header = await authorize(self._transport, self._known, scope, challenges)
                again = self._transport.answer(request.with_authorization(header))
                response = await stack.enter_async_context(again)
                if response.status == 401:
                    self._known.forget(scope)
            yield response

    async def _head_digest(self, reference: str) -> str:
        async with self.answer("HEAD", _manifest_path(reference), accept=ACCEPT) as response:
            await self._require(response, 200, self.repository.at(reference))
            found = response.headers.get("Docker-Content-Digest", "")
        require_digest(found)
        return found

    async def _origin(self) -> str:
        """Where the registry is; one that may be insecure is asked for TLS first."""
        if not self._base:
            host = self.repository.host
            secure = f"https://{host}"
            plain = self._transport.opening.may_be_plain and not await self._transport.connects(
                f"{secure}/v2/"
            )
            self._base = f"http://{host}" if plain else secure
        return self._base

    async def _require(self, response: aiohttp.ClientResponse, status: int, what: str) -> None:
        if response.status == status:
            return
        said = await refusal(response)
        message = f"{what}: {self.repository.host} answered {response.status} {said}".rstrip()
        if response.status in (401, 403):
            raise RegistryDenied(message)
        if response.status == 404:
            raise ContentNotFound(message)
        raise RegistryUnreachable(message)

    def _next_page(self, link: Mapping[str, Any] | None, path: str) -> str:
        if link is None or not self._base:
            return ""
        current = path if "://" in path else f"{self._base}/v2/{self.repository.path}/{path}"
        url = urljoin(current, str(link.get("url", "")))
        if len(url) > _MAX_URL:
            raise InvalidContent(f"the list of tags of {self.repository} goes on at an endless address")
        if origin(url) != origin(current):
            raise InvalidContent(f"the list of tags of {self.repository} goes on at another host")
        return url

    def _require_size(self, descriptor: Descriptor, max_bytes: int) -> None:
        if descriptor.size > max_bytes:
            raise ContentTooLarge(
                f"blob {self.repository.at(descriptor.digest)} has {descriptor.size} bytes, "
                f"at most {max_bytes} are taken"
            )


@contextlib.asynccontextmanager
async def opened(
    repository: Repository,
    opening: Opening,
    known: Authorizations,
    *,
    actions: str = "pull",
    gates: Gates | None = None,
) -> AsyncIterator[Registry]:
    """A repository for a while. `gates`: see Transport. Raises InvalidCredentials."""
    transport = Transport(opening, await tls_context(opening), gates)
    try:
        yield Registry(transport, repository, known, actions=actions)
    finally:
        await transport.close()


def _manifest_path(reference: str) -> str:
    if ":" in reference:
        require_digest(reference)
    else:
        require_tag(reference)
    return f"manifests/{quote(reference, safe=':')}"


def _entries(raw: bytes) -> tuple[Descriptor, ...]:
    found = parse_manifest(raw)
    return found.manifests if isinstance(found, Index) else ()


def _keep(chunk: bytes, out: BinaryIO, hasher: Any) -> None:
    hasher.update(chunk)
    out.write(chunk)
