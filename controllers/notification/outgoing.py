"""The way out to a provider: one HTTP request at a time, bounded, and never to a cloud's metadata service.

What went wrong comes in two kinds, because only one of them is worth another try. Redirects are not
followed: a request carries credentials for the address that the user wrote (specs/notification.md 9.4).
"""

from __future__ import annotations

import asyncio
import email.utils
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

_MAX_ANSWER = 2 * 1024 * 1024
_MAX_QUOTED = 512
_LONGEST_RETRY_AFTER = 300.0
_AWS_METADATA_IPV6 = ipaddress.ip_address("fd00:ec2::254")


class DeliveryFailed(Exception):
    """The provider did not get it. The message is for users, and not yet free of credentials."""


class Refused(DeliveryFailed):
    """Trying the same again would end the same way."""


class Unavailable(DeliveryFailed):
    """Another time it may work; `retry_after` in seconds where the provider said when."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Request:
    """`body` is sent as it is; `tolerated` are statuses beside 2xx that are no failure."""

    url: str
    body: bytes | None = None
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    tolerated: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        """Raises Refused when it is no JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Refused(f"the answer (HTTP {self.status}) is not JSON") from error


def json_request(url: str, payload: object, headers: Mapping[str, str] | None = None) -> Request:
    return Request(
        url, orjson.dumps(payload), headers={"Content-Type": "application/json", **(headers or {})}
    )


class GuardedResolver(AbstractResolver):
    """Answers without link-local addresses, where clouds tell whoever asks their credentials."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [result for result in found if not is_metadata_address(result["host"])]
        if not allowed:
            raise OSError(f"{host} resolves to a metadata or link-local address only")
        return allowed

    async def close(self) -> None:
        await self._inner.close()


def is_metadata_address(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_link_local) or address == _AWS_METADATA_IPV6


def open_session() -> aiohttp.ClientSession:
    """For all providers; proxies of the environment apply where a provider names none."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=GuardedResolver(), limit=64),
        trust_env=True,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How one provider is reached; `timeout` in seconds for each request."""

    session: aiohttp.ClientSession
    timeout: float
    proxy: str | None = None
    tls: ssl.SSLContext | None = None

    async def send(self, request: Request) -> Answer:
        """Raises Refused or Unavailable."""
        url = _checked(request.url)
        try:
            async with self.session.request(
                request.method,
                url,
                data=request.body,
                headers={"User-Agent": "headwater", "Accept-Encoding": "identity", **request.headers},
                proxy=self.proxy,
                ssl=self.tls if self.tls is not None else True,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.timeout),
            ) as response:
                body = await _read(response.content)
                status, retry_after = response.status, response.headers.get("Retry-After", "")
        except TimeoutError as error:
            raise Unavailable(f"no answer from {url.host} within {self.timeout:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, aiohttp.InvalidURL):
                raise Refused("the address is not a URL that can be called") from error
            raise Unavailable(f"{url.host}: {str(error) or type(error).__name__}") from error
        except ValueError as error:
            raise Refused(f"the request to {url.host} cannot be sent: {error}") from error
        if 200 <= status < 300 or status in request.tolerated:
            return Answer(status, body)
        problem = f"request failed with status code {status}: {_quote(body)}"
        if status == 429 or (status >= 500 and status != 501):
            raise Unavailable(problem, retry_after=seconds_of(retry_after, time.time()))
        raise Refused(problem)


def seconds_of(retry_after: str, now: float) -> float | None:
    """The header's seconds or HTTP date as seconds from `now`, bounded; None when it is neither."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:6]), _LONGEST_RETRY_AFTER)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(moment.timestamp() - now, 0.0), _LONGEST_RETRY_AFTER)


async def tls_context(ca: str, certificate: str, key: str) -> ssl.SSLContext:
    """A custom authority replaces the system's. Raises Refused."""
    return await asyncio.to_thread(_tls_context, ca, certificate, key)


def _tls_context(ca: str, certificate: str, key: str) -> ssl.SSLContext:
    import tempfile

    try:
        context = ssl.create_default_context(cadata=ca or None)
        if certificate:
            # The library loads key pairs from files alone; this one is readable by us only.
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
                file.write(f"{certificate}\n{key}\n")
                file.flush()
                context.load_cert_chain(file.name)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise Refused("the TLS certificates of the provider cannot be used") from error
    return context


def _checked(text: str) -> URL:
    try:
        url = URL(text, encoded=False)
        host = url.host
    except ValueError as error:
        raise Refused("the address is not a URL") from error
    if url.scheme not in {"http", "https"} or not host:
        raise Refused("the address must be an absolute http or https URL")
    if is_metadata_address(host):
        raise Refused(f"{host} is a metadata or link-local address, which providers may not use")
    return url


async def _read(stream: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) >= _MAX_ANSWER:
            break
    return bytes(body[:_MAX_ANSWER])


def _quote(body: bytes) -> str:
    return body[:_MAX_QUOTED].decode(errors="replace")
