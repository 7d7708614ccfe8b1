"""HTTP as registries need it: redirects that lose credentials, 429 with Retry-After, typed failures.

Nothing here knows what a registry is; a body is read by whoever asked, with a limit.
"""

import asyncio
import base64
import contextlib
import io
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from shared.oci.errors import (
    ContentTooLarge,
    InvalidContent,
    OciError,
    RegistryDenied,
    RegistryUnreachable,
    TooManyRequests,
)
from shared.oci.gate import Gates
from shared.oci.opening import Opening, Proxy, proxy_for
from shared.oci.reference import shown

USER_AGENT = "flux/v2"
MAX_REDIRECTS = 5
_ATTEMPTS = 4
# Seconds.
_LONGEST_PAUSE = 10.0
_UNHINTED_PAUSE = 30.0
_CONNECT, _SILENCE = 10.0, 30.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({502, 503, 504})
_READ_BUFFER = 1024 * 1024
_CHUNK = 64 * 1024
_SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)

    def with_authorization(self, value: str) -> "Request":
        return replace(self, headers={**self.headers, "Authorization": value}) if value else self


class Transport:
    """Requests of one run to one registry, and to where it sends us.

    `gates`, where given, are shared with other runs: a pause that one is asked for is kept by all.
    """

    def __init__(self, opening: Opening, context: ssl.SSLContext, gates: Gates | None = None) -> None:
        self.opening = opening
        self._gates = gates or Gates()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=8),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_SILENCE),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=_READ_BUFFER,
        )

    async def close(self) -> None:
        await self._session.close()

    @contextlib.asynccontextmanager
    async def answer(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """The last answer, whatever its status but 429; its body is for the caller to read.

        Raises RegistryUnreachable, RegistryDenied (by the proxy), TooManyRequests, InvalidContent.
        """
        response = await self._follow(request)
        try:
            yield response
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise RegistryUnreachable(f"{_host(request.url)}: {cause(error)}") from error
        finally:
            response.close()

    async def connects(self, url: str) -> bool:
        """Whether somebody answers there at all, be it with a certificate that is refused."""
        try:
            (await self._once(Request("GET", url))).close()
        except RegistryUnreachable as error:
            return isinstance(error.__cause__, aiohttp.ClientConnectorCertificateError)
        return True

    async def _follow(self, request: Request) -> aiohttp.ClientResponse:
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._patiently(request)
            target = response.headers.get("Location")
            if request.method not in _SAFE or response.status not in _REDIRECTS or target is None:
                return response
            response.close()
            request = _next_hop(request, target)
        raise InvalidContent(f"more than {MAX_REDIRECTS} redirects, the last to {shown(request.url)}")

    async def _patiently(self, request: Request) -> aiohttp.ClientResponse:
        host = _host(request.url)
        for attempt in range(_ATTEMPTS):
            await self._pass(host)
            response = await self._once(request)
            last = attempt == _ATTEMPTS - 1
            pause = 0.25 * 2**attempt
            if response.status == 429:
                wanted = retry_after(response)
                response.close()
                if last or (wanted or 0) > _LONGEST_PAUSE:
                    self._gates.close(host, _UNHINTED_PAUSE if wanted is None else wanted)
                    raise TooManyRequests(f"{host} answered 429: too many requests", wanted)
                self._gates.close(host, pause if wanted is None else wanted)
                continue
            if last or request.method not in _SAFE or response.status not in _PASSING:
                return response
            response.close()
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt either returns or raises")

    async def _pass(self, host: str) -> None:
        """Wait while the gate is closed. Raises TooManyRequests where that would take too long."""
        while remaining := self._gates.remaining(host):
            if remaining > _LONGEST_PAUSE:
                message = f"{host} asked for a pause of which {remaining:.0f}s are left"
                raise TooManyRequests(message, remaining)
            await asyncio.sleep(remaining)

    async def _once(self, request: Request) -> aiohttp.ClientResponse:
        proxy = proxy_for(request.url, self.opening.proxy)
        shown_to_proxy = _proxy_headers(proxy)
        tunnelled = request.url.startswith("https:")
        try:
            return await self._session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=request.headers if tunnelled else {**request.headers, **shown_to_proxy},
                data=_in_pieces(request.body),
                proxy=proxy.url if proxy else None,
                proxy_headers=shown_to_proxy if tunnelled else None,
                allow_redirects=False,
            )
        except aiohttp.ClientHttpProxyError as error:
            if error.status == 407:
                raise RegistryDenied("the proxy wants other credentials") from error
            raise RegistryUnreachable(f"the proxy refuses the connection with {error.status}") from error
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise RegistryUnreachable(f"{_host(request.url)}: {cause(error)}") from error
        except ValueError as error:
            raise InvalidContent(f"unusable URL or header for {_host(request.url)}") from error


async def read_body(response: aiohttp.ClientResponse, limit: int, what: str) -> bytes:
    """The whole body, of at most `limit` bytes. Raises ContentTooLarge."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > limit:
            raise ContentTooLarge(f"{what} is larger than {limit} bytes")
    return bytes(body)


def basic(username: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises InvalidContent."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError as error:
        raise InvalidContent("the registry names an unparsable URL") from error
    return parts.scheme, (parts.hostname or "").lower(), port


def _proxy_headers(proxy: Proxy | None) -> dict[str, str]:
    if proxy is None or not proxy.username:
        return {}
    return {"Proxy-Authorization": basic(proxy.username, proxy.password)}


def _in_pieces(body: bytes | None) -> bytes | BinaryIO | None:
    """A large body must not be written in one go."""
    return io.BytesIO(body) if body is not None and len(body) > _CHUNK else body


def _next_hop(request: Request, location: str) -> Request:
    try:
        url = urljoin(request.url, location)
    except ValueError as error:
        raise InvalidContent("redirect to an unparsable URL refused") from error
    before, after = origin(request.url), origin(url)
    if after[0] not in ("http", "https") or not after[1] or (before[0] == "https" and after[0] != "https"):
        raise InvalidContent(f"redirect from {before[0]} to {shown(url)} refused")
    if before == after:
        return replace(request, url=url)
    kept = {name: value for name, value in request.headers.items() if name != "Authorization"}
    return replace(request, url=url, headers=kept)


def retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds, from either form of the header; None where it is absent or unreadable."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return "an unparsable host"


def cause(error: Exception) -> str:
    """The innermost reason in words, without addresses of objects and without URLs."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"certificate refused: {error.certificate_error}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error) or type(error.os_error).__name__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, aiohttp.InvalidURL):
        return "unusable URL"
    return str(error)[:200] or type(error).__name__


async def refusal(response: aiohttp.ClientResponse) -> str:
    """What the registry says about its refusal, cut and on one line; often nothing."""
    from shared.oci.manifest import parse_object

    try:
        errors = parse_object(await read_body(response, 16 * 1024, "refusal"), "refusal").get("errors")
    except OciError:
        return ""
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return ""
    said = f"{first.get('code') or ''}: {first.get('message') or ''}"
    return "".join(char if char.isprintable() else " " for char in said)[:200].strip(" :")
