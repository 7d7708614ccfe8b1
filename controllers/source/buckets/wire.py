"""HTTP as object stores need it: bounded tries, no redirects, refusals in one line without secrets."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from controllers.source.buckets.errors import (
    AccessRefused,
    BadAnswer,
    BucketError,
    BucketMissing,
    ObjectGone,
    StoreBusy,
    StoreUnreachable,
    TooMuch,
)
from shared.logic.redact import redact
from shared.oci.opening import Opening, proxy_for
from shared.oci.transport import basic, cause, retry_after

CONNECTIONS = 16
_ATTEMPTS = 4
# Seconds.
_CONNECT, _SILENCE = 10.0, 30.0
_LONGEST_PAUSE = 10.0
_PASSING = frozenset({429, 500, 502, 503, 504})
_READ_BUFFER = 256 * 1024
_MAX_REFUSAL = 64 * 1024
_MISSING = frozenset({"NoSuchBucket", "ContainerNotFound"})
# XML of S3 and Azure; JSON of Google and of token services.
_CODE = re.compile(rb'<Code>([^<]{1,200})</Code>|"(?:error|reason)"\s*:\s*"([^"]{1,200})"')
_MESSAGE = re.compile(rb'<Message>([^<]{1,500})|"(?:message|error_description)"\s*:\s*"([^"]{1,500})"')


@dataclass(frozen=True, slots=True)
class Request:
    """`url` is escaped already, and is sent as it is."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a store said instead of doing what was asked; `region` is where an S3 bucket really is."""

    host: str
    status: int
    code: str
    message: str
    region: str = ""
    retry_after: float | None = None

    def error(self) -> BucketError:
        """The matching BucketError."""
        said = ": ".join(part for part in (self.code, self.message) if part)
        text = f"{self.host} answered {self.status}" + (f": {said}" if said else "")
        if self.code in _MISSING:
            return BucketMissing(text)
        match self.status:
            case 404:
                return ObjectGone(text)
            case 401 | 403:
                return AccessRefused(text)
            case 429 | 503:
                return StoreBusy(text, self.retry_after)
        return BadAnswer(text)


class Refused(Exception):
    """Carries a Refusal to whoever may know a way out."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal.error()))
        self.refusal = refusal


class Wire:
    """Requests of one run; `opening` says whom to trust and through which proxy."""

    def __init__(self, opening: Opening, context: ssl.SSLContext) -> None:
        self._opening = opening
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=CONNECTIONS),
            headers={"User-Agent": "flux/v2", "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_SILENCE),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=_READ_BUFFER,
        )

    async def close(self) -> None:
        await self._session.close()

    async def read(self, request: Request, limit: int, what: str) -> bytes:
        """The whole body of a good answer. Raises Refused, BucketError; TooMuch above `limit` bytes."""
        async with self.opened(request) as response:
            return await _read(response, limit, what)

    @contextlib.asynccontextmanager
    async def opened(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """A good answer (200) whose body is yet to be read. Raises Refused, StoreUnreachable, BadAnswer."""
        response = await self._patiently(request)
        try:
            if response.status != 200:
                raise Refused(await _refusal(request, response))
            yield response
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise StoreUnreachable(f"{request.host}: {cause(error)}") from error
        finally:
            response.close()

    async def _patiently(self, request: Request) -> aiohttp.ClientResponse:
        for attempt in range(_ATTEMPTS):
            response = await self._once(request)
            wanted = retry_after(response)
            last = attempt == _ATTEMPTS - 1 or (wanted or 0) > _LONGEST_PAUSE
            if last or response.status not in _PASSING:
                return response
            response.close()
            await asyncio.sleep(0.25 * 2**attempt if wanted is None else wanted)
        raise AssertionError("the last attempt returns")

    async def _once(self, request: Request) -> aiohttp.ClientResponse:
        proxy = proxy_for(request.url, self._opening.proxy)
        for_proxy = {}
        if proxy is not None and proxy.username:
            for_proxy["Proxy-Authorization"] = basic(proxy.username, proxy.password)
        # A proxy sees the request itself only where there is no tunnel.
        tunnelled = request.url.startswith("https:")
        try:
            return await self._session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=request.headers if tunnelled else {**request.headers, **for_proxy},
                data=request.body,
                proxy=proxy.url if proxy else None,
                proxy_headers=for_proxy if tunnelled else None,
                allow_redirects=False,
            )
        except aiohttp.ClientHttpProxyError as error:
            raise StoreUnreachable(f"the proxy refuses the connection with {error.status}") from error
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise StoreUnreachable(f"{request.host}: {cause(error)}") from error
        except ValueError as error:
            raise BadAnswer(f"unusable URL or header for {request.host}") from error


async def _read(response: aiohttp.ClientResponse, limit: int, what: str) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_MAX_REFUSAL):
        body += chunk
        if len(body) > limit:
            raise TooMuch(f"{what} is larger than {limit} bytes")
    return bytes(body)


async def _refusal(request: Request, response: aiohttp.ClientResponse) -> Refusal:
    raw = await response.content.read(_MAX_REFUSAL)
    return Refusal(
        host=request.host,
        status=response.status,
        code=_first(_CODE, raw),
        message=_first(_MESSAGE, raw),
        region=response.headers.get("x-amz-bucket-region", "")[:50],
        retry_after=retry_after(response),
    )


def _first(pattern: re.Pattern[bytes], raw: bytes) -> str:
    found = pattern.search(raw)
    text = next((group for group in found.groups() if group), b"") if found else b""
    shown = "".join(char if char.isprintable() else " " for char in text.decode(errors="replace"))
    return redact(" ".join(shown.split()))[:300]
