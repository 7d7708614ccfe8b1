"""A connection to another cluster, from a sanitised kubeconfig or a service account's token.

A client certificate is handed to TLS through anonymous memory, so that no key touches a disk.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import ssl
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import aiohttp

from shared.kube.access import Connection, connect_with
from shared.kube.client import KubeClient
from shared.kube.kubeconfig import Access, KubeconfigRefused
from shared.kube.tokens import request_token
from shared.model.meta import ObjectKey

_READ_BUFFER = 2 * 1024 * 1024
_PLUGIN_SECONDS = 30.0
_CALL_SECONDS = 30.0
# A token is renewed when a fifth of its life is left, as kubelet does.
_USED_LIFE = 0.8


class Credentials(Protocol):
    """What a Connection asks for the Authorization header, at most once a minute."""

    async def get_api_key_with_prefix(self, name: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class FixedHeader:
    """A token or a password that does not change."""

    header: str | None = field(repr=False)

    @classmethod
    def of(cls, access: Access) -> FixedHeader:
        if access.token:
            return cls(f"Bearer {access.token}")
        if access.username:
            pair = f"{access.username}:{access.password}".encode()
            return cls("Basic " + base64.b64encode(pair).decode())
        return cls(None)

    async def get_api_key_with_prefix(self, name: str) -> str | None:
        del name
        return self.header


class RequestedToken:
    """Tokens of a service account of the management cluster, asked for anew before they expire."""

    __slots__ = ("_account", "_audiences", "_client", "_header", "_renew_at")

    def __init__(self, client: KubeClient, account: ObjectKey, audiences: tuple[str, ...]) -> None:
        self._client = client
        self._account = account
        self._audiences = audiences
        self._header = ""
        self._renew_at = datetime.min.replace(tzinfo=UTC)

    async def get_api_key_with_prefix(self, name: str) -> str | None:
        """Raises the client's errors."""
        del name
        now = datetime.now(UTC)
        if now >= self._renew_at:
            issued = await request_token(self._client, self._account, self._audiences)
            self._header = f"Bearer {issued.text}"
            self._renew_at = now + max((issued.expires - now) * _USED_LIFE, timedelta(0))
        return self._header


async def open_connection(access: Access, credentials: Credentials | None = None) -> Connection:
    """Nothing is asked of the server yet. Raises KubeconfigRefused, NoAccess; close it when done."""
    if access.exec_plugin is not None:
        return await _ask_plugin(access)
    tls = await asyncio.to_thread(_tls, access)
    session = aiohttp.ClientSession(
        # The environment's proxies and netrc are the controller's own business.
        trust_env=False,
        connector=aiohttp.TCPConnector(limit=0, ssl=tls, keepalive_timeout=60),
        read_bufsize=_READ_BUFFER,
        timeout=aiohttp.ClientTimeout(total=_CALL_SECONDS, sock_connect=10),
    )
    return Connection(
        base_url=access.server,
        session=session,
        configuration=credentials or FixedHeader.of(access),
        proxy=access.proxy or None,
        server_name=access.tls_server_name or None,
        seconds=_CALL_SECONDS,
    )


async def _ask_plugin(access: Access) -> Connection:
    try:
        async with asyncio.timeout(_PLUGIN_SECONDS):
            connection = await connect_with(_for_plugin(access))
    except TimeoutError as error:
        raise KubeconfigRefused(f"its exec plugin did not answer in {_PLUGIN_SECONDS:.0f} seconds") from error
    connection.seconds = _CALL_SECONDS
    return connection


def _tls(access: Access) -> ssl.SSLContext:
    try:
        # Given authorities replace the system's.
        context = ssl.create_default_context(cadata=access.ca.decode("ascii") if access.ca else None)
    except (ssl.SSLError, ValueError) as error:
        raise KubeconfigRefused("certificate-authority-data holds no certificates in PEM") from error
    if access.certificate:
        _load_certificate(context, access.certificate + b"\n" + access.private_key)
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _load_certificate(context: ssl.SSLContext, pem: bytes) -> None:
    try:
        with _as_file(pem) as path:
            # Without a password, an encrypted key would make OpenSSL ask at a terminal.
            context.load_cert_chain(path, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise KubeconfigRefused("client-certificate-data and client-key-data are no pair in PEM") from error


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """OpenSSL reads keys from files alone. Where the system has anonymous memory, none is on disk."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            yield file.name


def _for_plugin(access: Access) -> dict[str, Any]:
    """A kubeconfig with the one cluster, and a user who has nothing but the plugin."""
    cluster: dict[str, Any] = {"server": access.server}
    if access.ca:
        cluster["certificate-authority-data"] = base64.b64encode(access.ca).decode()
    if access.tls_server_name:
        cluster["tls-server-name"] = access.tls_server_name
    if access.proxy:
        cluster["proxy-url"] = access.proxy
    if not access.verify:
        cluster["insecure-skip-tls-verify"] = True
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "remote",
        "contexts": [{"name": "remote", "context": {"cluster": "remote", "user": "remote"}}],
        "clusters": [{"name": "remote", "cluster": cluster}],
        "users": [{"name": "remote", "user": {"exec": dict(access.exec_plugin or {})}}],
    }
