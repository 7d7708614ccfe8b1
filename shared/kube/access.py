"""How this process reaches an API server: in the pod, by a kubeconfig file, or by a kubeconfig text.

Authentication is kubernetes-asyncio's; the HTTP session is ours, because its own consults proxy
settings and netrc on every request and has no timeouts (0.77 ms of CPU a call against 0.27).
"""

from __future__ import annotations

import asyncio
import os
import ssl
from asyncio import sslproto
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from shared.kube.errors import KubeError
from shared.kube.lean import config_module, configuration_class

_IN_CLUSTER_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
# A watch event holds a whole object: 1.5 MiB is etcd's limit, JSON may be longer.
_READ_BUFFER = 2 * 1024 * 1024
_TOKEN_REFRESH_SECONDS = 60.0
# What asyncio sets aside for each TLS connection is 256 KiB, of which a watch never needs as much.
_TLS_BUFFER = 16 * 1024


class NoAccess(KubeError):
    """No usable kubeconfig or service account."""


@dataclass(slots=True)
class Connection:
    """One API server and the credentials for it. Close it when done.

    `seconds` is the longest that one call may take, watches excepted.
    """

    base_url: str
    session: aiohttp.ClientSession
    configuration: Any
    proxy: str | None = None
    server_name: str | None = None
    seconds: float = 60.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _authorization: str | None = None
    _read_at: float = float("-inf")

    async def authorization(self) -> str | None:
        """The Authorization header; a service account's token file is read again each minute."""
        now = asyncio.get_running_loop().time()
        if now - self._read_at > _TOKEN_REFRESH_SECONDS:
            async with self._lock:
                self._authorization = await self.configuration.get_api_key_with_prefix("BearerToken")
                self._read_at = now
        return self._authorization

    async def close(self) -> None:
        await self.session.close()


async def connect(kubeconfig: str | None = None) -> Connection:
    """Use the kubeconfig at that path, else the pod's service account, else $KUBECONFIG or ~/.kube/config.

    Raises NoAccess with what was tried.
    """
    config = config_module()
    configuration = configuration_class()()
    try:
        if kubeconfig is None and _in_pod():
            config.load_incluster_config(client_configuration=configuration)
        else:
            await config.load_kube_config(
                config_file=kubeconfig or _default_kubeconfig(),
                client_configuration=configuration,
                persist_config=False,
            )
    except (config.ConfigException, OSError, KeyError, TypeError, ValueError) as error:
        raise NoAccess(f"no access to a Kubernetes API: {error}") from error
    return _connection(configuration)


async def connect_with(kubeconfig: Mapping[str, Any]) -> Connection:
    """Use a kubeconfig given as a mapping (already sanitised by the caller). Raises NoAccess."""
    config = config_module()
    configuration = configuration_class()()
    try:
        await config.load_kube_config_from_dict(
            config_dict=dict(kubeconfig), client_configuration=configuration
        )
    except (config.ConfigException, OSError, KeyError, TypeError, ValueError) as error:
        raise NoAccess(f"the kubeconfig cannot be used: {error}") from error
    return _connection(configuration)


def _in_pod() -> bool:
    return _IN_CLUSTER_TOKEN.exists()


def _default_kubeconfig() -> str:
    return os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())


def _connection(configuration: Any) -> Connection:
    sslproto.SSLProtocol.max_size = _TLS_BUFFER
    connector = aiohttp.TCPConnector(limit=0, ssl=_tls(configuration), keepalive_timeout=60)
    session = aiohttp.ClientSession(
        connector=connector,
        trust_env=False,
        read_bufsize=_READ_BUFFER,
        timeout=aiohttp.ClientTimeout(total=60, sock_connect=10),
        auto_decompress=True,
    )
    return Connection(
        base_url=configuration.host.rstrip("/"),
        session=session,
        configuration=configuration,
        proxy=configuration.proxy or None,
        server_name=configuration.tls_server_name or None,
    )


def _tls(configuration: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
