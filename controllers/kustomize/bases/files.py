"""One file behind http or https, as kustomize gets it: no credentials but those of its address."""

from __future__ import annotations

import aiohttp
from yarl import URL

from controllers.kustomize.bases.guard import Guard, GuardedResolver
from shared.kustomize.errors import BuildError, LimitExceeded, RemoteFailed, RemoteRefused
from shared.kustomize.remote import shown_address

_MAX_REDIRECTS = 5
_MAX_BYTES = 32 * 2**20
_CHUNK = 256 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
_MOVED = frozenset({301, 302, 303, 307, 308})


async def fetch_file(url: str, guard: Guard) -> bytes:
    """Raises RemoteFailed, also for a web page, RemoteRefused and LimitExceeded."""
    connector = aiohttp.TCPConnector(resolver=GuardedResolver(guard))
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, trust_env=True) as session:
            return await _follow(session, URL(url), guard)
    except BuildError:
        raise
    except TimeoutError as error:
        raise RemoteFailed(f"{shown_address(url)} did not answer in {_TIMEOUT.total:.0f} seconds") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise RemoteFailed(f"{shown_address(url)}: {shown_address(str(error))}") from error


async def _follow(session: aiohttp.ClientSession, url: URL, guard: Guard) -> bytes:
    for _ in range(_MAX_REDIRECTS + 1):
        # A literal address is not looked up, so no resolver would see it.
        guard.require_address(url.host or "")
        async with session.get(url, allow_redirects=False) as response:
            if response.status not in _MOVED:
                return await _received(response)
            url = _next_hop(url, response.headers.get("Location", ""))
    raise RemoteFailed(f"more than {_MAX_REDIRECTS} redirects, the last to {shown_address(str(url))}")


def _next_hop(url: URL, location: str) -> URL:
    target = url.join(URL(location))
    if target.scheme not in ("http", "https") or (url.scheme == "https" and target.scheme != "https"):
        raise RemoteRefused(f"redirect from {url.scheme} to {target.scheme or 'nowhere'} refused")
    return target


async def _received(response: aiohttp.ClientResponse) -> bytes:
    if response.status != 200:
        raise RemoteFailed(f"the server answered {response.status}")
    if response.content_type == "text/html":
        raise RemoteFailed("there is a web page and no file")
    parts: list[bytes] = []
    left = _MAX_BYTES
    async for chunk in response.content.iter_chunked(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise LimitExceeded(f"the file is larger than {_MAX_BYTES} bytes")
        parts.append(chunk)
    return b"".join(parts)
