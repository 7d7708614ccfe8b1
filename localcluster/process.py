"""A cluster as a running server: socket, TLS, ready, stop."""

from __future__ import annotations

import secrets
import ssl
import tempfile
from asyncio import sslproto
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from aiohttp import web

from localcluster.auth.users import AUTHENTICATED, User
from localcluster.bootstrap.objects import make_initial_objects
from localcluster.certificates import Identity, Serving, issue_identity, make_certificates
from localcluster.cluster import Cluster
from localcluster.controllers.crew import Workloads
from localcluster.controllers.settings import WorkloadSettings
from localcluster.housekeeping.crew import Housekeeping
from localcluster.http.protocol import LenientServer
from localcluster.http.server import ApiServer
from localcluster.store.journal import SqliteJournal

_STOP_SECONDS = 2.0
_TLS_RECORD_BYTES = 16 * 1024
_SIGNING_KEY = "key of service account tokens"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen (port 0: any free one); TLS unless `insecure_http`; in memory unless `data`."""

    token: str
    host: str = "127.0.0.1"
    port: int = 0
    insecure_http: bool = False
    data: Path | None = None
    workloads: WorkloadSettings = field(default_factory=WorkloadSettings)


class Server:
    """Serves while the context is open; `url` and `authority` are known inside."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = ""
        self._journal = SqliteJournal(settings.data) if settings.data else None
        self._serving = None if settings.insecure_http else _certificates(settings.host, self._journal)
        self.cluster = _cluster(settings.token, self._journal)
        self.housekeeping = Housekeeping(self.cluster, self.authority)
        self.workloads = Workloads(self.cluster, settings.workloads)
        self._runner: web.ServerRunner | None = None

    @property
    def authority(self) -> bytes | None:
        """PEM of the authority that signed the server's certificate; None over plain HTTP."""
        return self._serving.authority if self._serving else None

    def identity(self, user: User) -> Identity | None:
        """A client certificate for this user; None over plain HTTP."""
        groups = [group for group in user.groups if group != AUTHENTICATED]
        return issue_identity(self._serving, user.name, groups) if self._serving else None

    async def __aenter__(self) -> Self:
        make_initial_objects(self.cluster)
        self.housekeeping.start()
        self.workloads.start()
        api = ApiServer(self.cluster)
        server = LenientServer(api.handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=_STOP_SECONDS)
        await self._runner.setup()
        context = _tls(self._serving) if self._serving else None
        site = web.TCPSite(
            self._runner, self.settings.host, self.settings.port, ssl_context=context, backlog=1024
        )
        await site.start()
        host, port = self._runner.addresses[0][:2]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'http' if context is None else 'https'}://{shown}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.workloads.stop()
        self.housekeeping.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        await self.cluster.webhooks.caller.close()
        if self._journal is not None:
            await self._journal.close()


def _cluster(token: str, journal: SqliteJournal | None) -> Cluster:
    """A cluster in memory, or one that goes on from what the journal kept."""
    if journal is None:
        return Cluster(token)
    key = journal.fact(_SIGNING_KEY) or secrets.token_bytes(32)
    journal.keep_fact(_SIGNING_KEY, key)
    cluster = Cluster(token, signing_key=key, journal=journal)
    for collection, place, version, raw in journal.objects():
        cluster.store.restore(collection, place, version, raw)
    cluster.store.restored(journal.last_version())
    return cluster


def _certificates(host: str, journal: SqliteJournal | None) -> Serving:
    """Certificates for this address; kept with the state, as config maps hold the authority's."""
    if journal is None:
        return make_certificates(host)
    name = f"authority and certificates for {host}"
    kept = journal.fact(name)
    if kept is not None:
        return Serving(*kept.split(b"\0"))
    made = make_certificates(host)
    parts = (made.authority, made.certificate, made.key, made.authority_key)
    journal.keep_fact(name, b"\0".join(parts))
    return made


def _tls(serving: Serving) -> ssl.SSLContext:
    # asyncio holds a buffer of 256 KiB for each TLS connection, and a watch is a connection. One record is
    # enough: what is longer is read in several steps.
    sslproto.SSLProtocol.max_size = _TLS_RECORD_BYTES
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The ssl module reads keys from files alone; these live only for this call.
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "tls.crt"), Path(folder, "tls.key")
        certificate.write_bytes(serving.certificate)
        key.touch(0o600)
        key.write_bytes(serving.key)
        context.load_cert_chain(certificate, key)
    # A client may show a certificate of the cluster's authority; one of any other ends the connection.
    context.load_verify_locations(cadata=serving.authority.decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    return context
