"""Calls a webhook over HTTPS, within its time and a bound on what it may answer."""

from __future__ import annotations

import asyncio
import os
import ssl
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from localcluster.admission.webhooks.addresses import Unreachable, address_of
from localcluster.admission.webhooks.configuration import Client
from localcluster.store.store import Store

MAX_ANSWER_BYTES = 8 * 1024 * 1024
_UNTRUSTED = frozenset({7, 18, 19, 20, 21})
_OUT_OF_TIME = frozenset({9, 10})
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class CallFailed(Exception):
    """There is no answer; the text says why, in the words of the genuine server where it has some."""

    def __init__(self, why: str) -> None:
        super().__init__(f"failed to call webhook: {why}")


class Caller:
    """Owns the connections to webhooks; opened by the first call."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, client: Client, body: bytes, timeout_seconds: int) -> bytes:
        """The body of a 200 answer; raises CallFailed."""
        named = _named_url(client, timeout_seconds)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._post(client, named, body)
        except TimeoutError as error:
            raise _failed(named, "context deadline exceeded") from error
        except Unreachable as error:
            raise _failed(named, str(error)) from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise _failed(named, _distrust(error.certificate_error)) from error
        except aiohttp.ClientConnectorDNSError as error:
            raise _failed(named, f"dial tcp: lookup {error.host}: no such host") from error
        except aiohttp.ClientConnectorSSLError as error:
            raise _failed(named, f"tls: {error.os_error.strerror or error.os_error}") from error
        except aiohttp.ClientConnectorError as error:
            number = error.os_error.errno
            why = os.strerror(number).lower() if number else str(error.os_error)
            raise _failed(named, f"dial tcp {error.host}:{error.port}: connect: {why}") from error
        except aiohttp.ServerDisconnectedError as error:
            raise _failed(named, "EOF") from error
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise _failed(named, str(error) or type(error).__name__) from error

    async def _post(self, client: Client, named: str, body: bytes) -> bytes:
        context = _trust(client.authority)
        url, host = named, None
        if client.service is not None:
            address, port = address_of(self._store, client.service)
            shown = f"[{address}]" if ":" in address else address
            url, host = urlunsplit(urlsplit(named)._replace(netloc=f"{shown}:{port}")), client.service.host
        headers = _HEADERS if host is None else {**_HEADERS, "Host": host}
        posting = self._connected().post(
            url, data=body, headers=headers, ssl=context, server_hostname=host, allow_redirects=False
        )
        async with posting as response:
            answer = await _read(response.content)
            if response.status != 200:
                raise CallFailed(_status_text(response.status, answer))
            return answer

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            # The time of a call is bounded by the webhook's own timeoutSeconds.
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        return self._session


async def _read(stream: aiohttp.StreamReader) -> bytes:
    read = bytearray()
    async for chunk in stream.iter_any():
        read += chunk
        if len(read) > MAX_ANSWER_BYTES:
            raise CallFailed(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
    return bytes(read)


def _named_url(client: Client, timeout_seconds: int) -> str:
    """The URL as errors show it, by the service's name; the time is passed on as a parameter."""
    service = client.service
    given = client.url if service is None else f"https://{service.host}:{service.port}{_rooted(service.path)}"
    parts = urlsplit(given)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}timeout={timeout_seconds}s", fragment=""))


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _failed(url: str, why: str) -> CallFailed:
    return CallFailed(f'Post "{url}": {why}')


@lru_cache(maxsize=64)
def _trust(authority: bytes) -> ssl.SSLContext:
    """Trusts this authority alone, the system's where there is none; raises CallFailed for no PEM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    # A bundle may hold the webhook's own certificate in place of its issuer's.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not authority:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return context
    try:
        context.load_verify_locations(cadata=authority.decode())
    except (ssl.SSLError, ValueError) as error:
        why = "unable to load root certificates: unable to parse bytes as PEM block"
        raise CallFailed(why) from error
    return context


def _distrust(error: Exception) -> str:
    said = "tls: failed to verify certificate: x509: "
    if not isinstance(error, ssl.SSLCertVerificationError):
        return f"{said}{error}"
    if error.verify_code in _UNTRUSTED:
        return said + "certificate signed by unknown authority"
    if error.verify_code in _OUT_OF_TIME:
        return said + "certificate has expired or is not yet valid"
    return said + error.verify_message.rstrip(".")


def _status_text(code: int, body: bytes) -> str:
    if code == 404:
        return "the server could not find the requested resource"
    said = body[:512].decode(errors="replace").strip() or f"HTTP {code}"
    if code >= 500:
        shown = said.replace("\\", "\\\\").replace('"', '\\"')
        return f'an error on the server ("{shown}") has prevented the request from succeeding'
    return f"the server answered with status code {code}: {said}"
