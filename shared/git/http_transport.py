"""dulwich's HTTP client with our rules: TLS, proxies, redirects, bounds. Runs in the worker.

Credentials go to the origin they were given for and to no other; a redirect is followed only for the
first request (as git does), never from https to http, and loses the credentials at another origin.
"""

import os
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from dulwich.client import HttpGitClient
from dulwich.protocol import CAPABILITY_PACKFILE_URIS
from urllib3.connection import HTTPConnection, HTTPSConnection

from shared.git.errors import (
    AuthenticationFailed,
    InvalidCredentials,
    InvalidRemote,
    RemoteUnreachable,
    RepositoryNotFound,
    RepositoryRefused,
)
from shared.git.remote import Proxy, Remote, origin_of, parse_url, shown
from shared.git.tunnel import open_tunnel

MAX_REDIRECTS = 5
MAX_RECEIVED_BYTES = 8 * 1024**3
_USER_AGENT = "git/2.0 (headwater)"


class GitHttpClient(HttpGitClient):
    """Speaks to one remote; `get_refs` and `fetch_pack` raise our errors."""

    def __init__(self, remote: Remote, *, timeout: float) -> None:
        super().__init__(
            remote.url, pool_manager=pool_for(remote), timeout=timeout, thin_packs=False, quiet=True
        )
        # A server could otherwise name any other URL to download from.
        self._fetch_capabilities.discard(CAPABILITY_PACKFILE_URIS)
        self._origin_for_credentials = remote.origin
        self._credentials = _credentials(remote)
        self._received = 0

    def close(self) -> None:
        """Leave no connection open behind a job."""
        self.pool_manager.clear()

    def _http_request(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,  # noqa: FBT001, FBT002 - the signature is dulwich's
    ) -> tuple[Any, Callable[[int], bytes]]:
        method = "GET" if data is None else "POST"
        response, final_url = self._follow(method, url, headers or {}, data)
        response.content_type = response.headers.get("Content-Type")
        response.redirect_location = final_url if final_url != url else ""
        if raise_for_status:
            _require_ok(response, final_url)
            if not (response.content_type or "").startswith("application/x-git-"):
                response.close()
                raise RepositoryNotFound(
                    f"no git repository at {shown(final_url)}: the server does not speak git"
                )
        return response, self._bounded(response)

    def _follow(
        self, method: str, url: str, headers: dict[str, str], data: bytes | Iterator[bytes] | None
    ) -> tuple[Any, str]:
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send(method, url, headers, data)
            if response.status not in (301, 302, 303, 307, 308) or "Location" not in response.headers:
                return response, url
            response.close()
            url = _next_hop(method, url, response.headers["Location"])
        raise RepositoryRefused(f"more than {MAX_REDIRECTS} redirects, the last to {shown(url)}")

    def _send(
        self, method: str, url: str, headers: dict[str, str], data: bytes | Iterator[bytes] | None
    ) -> Any:
        sent = {"User-Agent": _USER_AGENT, "Pragma": "no-cache", **headers}
        if _is_for(self._origin_for_credentials, origin_of(url)):
            sent |= self._credentials
        try:
            return self.pool_manager.request(
                method,
                url,
                headers=sent,
                body=data,
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=self._timeout,
            )
        except urllib3.exceptions.HTTPError as error:
            raise RemoteUnreachable(f"{shown(url)}: {_cause(error)}") from error

    def _bounded(self, response: Any) -> Callable[[int], bytes]:
        def read(size: int) -> bytes:
            try:
                chunk: bytes = response.read(size)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise RemoteUnreachable(f"the connection broke: {_cause(error)}") from error
            self._received += len(chunk)
            if self._received > MAX_RECEIVED_BYTES:
                raise RepositoryRefused(f"the server sent more than {MAX_RECEIVED_BYTES} bytes")
            return chunk

        return read


def _is_for(given: tuple[str, str, int], target: tuple[str, str, int]) -> bool:
    """Credentials go to their own origin, and to the same host's https when http was redirected there."""
    return target == given or (given[2] == 80 and target == ("https", given[1], 443))


def _credentials(remote: Remote) -> dict[str, str]:
    if remote.bearer:
        return {"Authorization": f"Bearer {remote.bearer}"}
    if remote.username or remote.password:
        return dict(urllib3.util.make_headers(basic_auth=f"{remote.username}:{remote.password}"))
    return {}


def _require_ok(response: Any, url: str) -> None:
    if response.status == 200:
        return
    response.close()
    if response.status in (401, 403):
        what = "authentication required" if response.status == 401 else "authorization failed"
        raise AuthenticationFailed(f"{what}: {shown(url)} answered {response.status}")
    if response.status == 407:
        raise AuthenticationFailed("the proxy wants other credentials")
    if response.status in (404, 410):
        raise RepositoryNotFound(f"repository not found: {shown(url)} answered {response.status}")
    raise RemoteUnreachable(f"{shown(url)} answered {response.status}")


def _next_hop(method: str, url: str, location: str) -> str:
    target = urljoin(url, location)
    try:
        scheme = parse_url(target).scheme
    except InvalidRemote as error:
        raise RepositoryRefused(f"redirect refused: {error}") from error
    if method != "GET":
        raise RepositoryRefused(f"redirect of a {method} request to {shown(target)} refused")
    if scheme == "ssh" or (urlsplit(url).scheme == "https" and scheme != "https"):
        raise RepositoryRefused(f"redirect from https to {scheme} refused: {shown(target)}")
    return target


def _cause(error: Exception) -> str:
    """The innermost reason in words, without urllib3's object addresses."""
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        reason = reason.__cause__ or reason
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason)


def pool_for(remote: Remote) -> urllib3.PoolManager:
    """Connections with the remote's trust, client certificate and proxy."""
    context = tls_context(remote)
    proxy = remote.proxy or _proxy_from_environment(remote.url)
    if proxy is None:
        return urllib3.PoolManager(ssl_context=context)
    if urlsplit(proxy.url).scheme == "socks5":
        return _SocksPoolManager(proxy, context)
    headers = None
    if proxy.username:
        headers = urllib3.util.make_headers(proxy_basic_auth=f"{proxy.username}:{proxy.password}")
    return urllib3.ProxyManager(proxy.url, proxy_headers=headers, ssl_context=context)


def tls_context(remote: Remote) -> ssl.SSLContext:
    """Verification is never off; the given authorities come on top of the system's."""
    context = ssl.create_default_context()
    try:
        if remote.ca:
            context.load_verify_locations(cadata=remote.ca)
        if remote.certificate:
            _load_pair(context, remote.certificate + "\n" + remote.private_key)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidCredentials(f"TLS certificate or key cannot be read: {error}") from error
    return context


def _load_pair(context: ssl.SSLContext, pem: str) -> None:
    # OpenSSL reads key pairs from files only; this one never touches a disk.
    descriptor = os.memfd_create("client-certificate")
    try:
        os.write(descriptor, pem.encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _proxy_from_environment(url: str) -> Proxy | None:
    parts = urlsplit(url)
    found = urllib.request.getproxies_environment().get(parts.scheme)
    if not found or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    port = f":{proxy.port}" if proxy.port else ""
    return Proxy(f"{proxy.scheme}://{proxy.hostname}{port}", proxy.username or "", proxy.password or "")


class _SocksPoolManager(urllib3.PoolManager):
    """Connections whose socket is opened through a SOCKS5 proxy."""

    def __init__(self, proxy: Proxy, context: ssl.SSLContext) -> None:
        super().__init__(ssl_context=context)

        class Plain(HTTPConnection):
            def _new_conn(self) -> Any:
                return open_tunnel(proxy, self.host, self.port or 80, _seconds(self.timeout))

        class Secure(HTTPSConnection):
            def _new_conn(self) -> Any:
                return open_tunnel(proxy, self.host, self.port or 443, _seconds(self.timeout))

        class PlainPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Secure

        self.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


def _seconds(timeout: object) -> float:
    return float(timeout) if isinstance(timeout, (int, float)) else 60.0
