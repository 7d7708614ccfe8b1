"""Connections through a proxy: SOCKS5 (RFC 1928, 1929) and HTTP CONNECT.

Runs in the worker. The name is resolved by the proxy, never here.
"""

import base64
import socket
import ssl
from urllib.parse import urlsplit

from shared.git.errors import AuthenticationFailed, RemoteUnreachable
from shared.git.remote import Proxy

_MAX_HEAD = 16 * 1024
_SOCKS_VERSION = 5
_NO_AUTHENTICATION, _PASSWORD = 0, 2
_SOCKS_ERRORS = {
    2: "connection not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
}


def open_tunnel(proxy: Proxy, host: str, port: int, timeout: float) -> socket.socket:
    """A socket that ends at host:port. Raises RemoteUnreachable, AuthenticationFailed."""
    parts = urlsplit(proxy.url)
    default = {"http": 80, "https": 443, "socks5": 1080}[parts.scheme]
    try:
        raw = socket.create_connection((parts.hostname or "", parts.port or default), timeout)
        try:
            if parts.scheme == "https":
                raw = ssl.create_default_context().wrap_socket(raw, server_hostname=parts.hostname)
            if parts.scheme == "socks5":
                _socks5(raw, proxy, host, port)
            else:
                _http_connect(raw, proxy, host, port)
        except BaseException:
            raw.close()
            raise
    except OSError as error:
        raise RemoteUnreachable(f"proxy {parts.hostname}: {error.strerror or error}") from error
    return raw


def _socks5(raw: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    offered = [_NO_AUTHENTICATION, *([_PASSWORD] if proxy.username else [])]
    raw.sendall(bytes([_SOCKS_VERSION, len(offered), *offered]))
    version, method = _exactly(raw, 2)
    if version != _SOCKS_VERSION:
        raise RemoteUnreachable("the proxy does not speak SOCKS5")
    if method == _PASSWORD:
        user, password = proxy.username.encode()[:255], proxy.password.encode()[:255]
        raw.sendall(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
        if _exactly(raw, 2)[1] != 0:
            raise AuthenticationFailed("the proxy refuses its credentials")
    elif method != _NO_AUTHENTICATION:
        raise AuthenticationFailed("the proxy wants credentials")
    name = host.encode("idna")[:255]
    raw.sendall(bytes([_SOCKS_VERSION, 1, 0, 3, len(name)]) + name + port.to_bytes(2, "big"))
    _, result, _, kind = _exactly(raw, 4)
    if result != 0:
        raise RemoteUnreachable(f"the proxy says: {_SOCKS_ERRORS.get(result, f'error {result}')}")
    length = {1: 4, 4: 16}.get(kind) or _exactly(raw, 1)[0]
    _exactly(raw, length + 2)


def _http_connect(raw: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
    if proxy.username:
        token = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {token}")
    raw.sendall("\r\n".join([*lines, "", ""]).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        # One byte at a time: what follows the head belongs to the tunnel.
        head += _exactly(raw, 1)
        if len(head) > _MAX_HEAD:
            raise RemoteUnreachable("the proxy's answer is too long")
    words = head.split(None, 2)
    if len(words) > 1 and words[1] == b"407":
        raise AuthenticationFailed("the proxy wants other credentials")
    if len(words) < 2 or words[1] != b"200":
        raise RemoteUnreachable(
            f"the proxy refuses the connection: {head.splitlines()[0][:100].decode('latin-1')}"
        )


def _exactly(raw: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = raw.recv(size - len(data))
        if not chunk:
            raise RemoteUnreachable("the proxy closed the connection")
        data += chunk
    return data
