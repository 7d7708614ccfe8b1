"""Git over ssh on asyncssh: keys and known hosts from memory, no files, no agent. Runs in the worker."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import asyncssh
from dulwich.client import SSHGitClient, SSHVendor

from shared.git.errors import (
    AuthenticationFailed,
    HostKeyMismatch,
    InvalidCredentials,
    RemoteUnreachable,
    RepositoryRefused,
)
from shared.git.remote import Remote
from shared.git.tunnel import open_tunnel

MAX_RECEIVED_BYTES = 8 * 1024**3
_MAX_STDERR = 64 * 1024
_ONLY_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")

T = TypeVar("T")


def ssh_client(remote: Remote, *, timeout: float) -> tuple[SSHGitClient, bytes]:
    """A client and the path to give it."""
    parts = urlsplit(remote.url)
    client = SSHGitClient(
        parts.hostname or "",
        port=parts.port,
        username=remote.username or "git",
        vendor=_Vendor(remote, timeout),
        thin_packs=False,
        quiet=True,
    )
    return client, unquote(parts.path).encode()


class _Vendor(SSHVendor):
    def __init__(self, remote: Remote, timeout: float) -> None:
        self._remote = remote
        self._timeout = timeout

    def run_command(  # noqa: PLR0917 - the signature is dulwich's
        self,
        host: str,
        command: bytes,
        username: str | None = None,
        port: int | None = None,
        password: str | None = None,
        key_filename: str | None = None,
        ssh_command: str | None = None,
        protocol_version: int | None = None,
    ) -> Any:
        del password, key_filename, ssh_command
        session = _Session()
        try:
            session.open(
                self._remote, (host, port or 22, username or "git"), command, protocol_version, self._timeout
            )
        except BaseException:
            session.close()
            raise
        return session


class _Session:
    """A remote command as dulwich wants it: blocking reads and writes, and stderr to read at the end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._process: asyncssh.SSHClientProcess[bytes] | None = None
        self._received = 0
        self.stderr = self

    def open(
        self,
        remote: Remote,
        target: tuple[str, int, str],
        command: bytes,
        protocol_version: int | None,
        timeout: float,
    ) -> None:
        options = _options(remote)
        host, port, username = target
        if remote.proxy is not None:
            options["sock"] = open_tunnel(remote.proxy, host, port, timeout)
        version = 2 if protocol_version is None else protocol_version

        async def connect() -> None:
            self._connection = await asyncssh.connect(
                host, port, username=username, config=None, agent_path=None, login_timeout=timeout, **options
            )
            self._process = await self._connection.create_process(
                command.decode(), env={"GIT_PROTOCOL": f"version={version}"}, encoding=None
            )

        try:
            self._wait(connect())
        except asyncssh.HostKeyNotVerifiable as error:
            raise HostKeyMismatch(f"host key of {host} does not match known_hosts: {error.reason}") from error
        except asyncssh.PermissionDenied as error:
            raise AuthenticationFailed(
                f"ssh: unable to authenticate as '{username}' at {host}: {error.reason}"
            ) from error
        except asyncssh.Error as error:
            raise RemoteUnreachable(f"ssh: {host}: {error.reason}") from error
        except OSError as error:
            raise RemoteUnreachable(f"ssh: {host}: {error.strerror or error}") from error

    def read(self, size: int = -1) -> bytes:
        assert self._process is not None
        try:
            chunk = self._wait(self._process.stdout.readexactly(size))
        except asyncio.IncompleteReadError as error:
            chunk = error.partial
        except (asyncssh.Error, OSError) as error:
            raise RemoteUnreachable(f"the ssh connection broke: {error}") from error
        self._received += len(chunk)
        if self._received > MAX_RECEIVED_BYTES:
            raise RepositoryRefused(f"the server sent more than {MAX_RECEIVED_BYTES} bytes")
        return chunk

    def write(self, data: bytes) -> int:
        assert self._process is not None
        try:
            self._process.stdin.write(data)
            self._wait(self._process.stdin.drain())
        except BrokenPipeError:
            # The server has ended: what it sent until then may be all that was wanted, and a read tells.
            return len(data)
        except (asyncssh.Error, OSError) as error:
            raise RemoteUnreachable(f"the ssh connection broke: {error}") from error
        return len(data)

    def can_read(self) -> bool:
        """Only asked while negotiating common history, and a fresh clone has none."""
        return False

    def readlines(self) -> list[bytes]:
        """What the server said on stderr, for the message of an error."""
        assert self._process is not None
        try:
            text = self._wait(asyncio.wait_for(self._process.stderr.read(_MAX_STDERR), 2))
        except (TimeoutError, asyncssh.Error, OSError):
            return []
        return text.splitlines(keepends=True)

    def close(self) -> None:
        if self._loop.is_closed():
            return
        if self._connection is not None:
            self._connection.abort()
            self._wait(self._connection.wait_closed())
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)


def _options(remote: Remote) -> dict[str, Any]:
    options: dict[str, Any] = {"client_keys": [_private_key(remote)]}
    try:
        known = asyncssh.import_known_hosts(remote.known_hosts)
    except ValueError as error:
        raise InvalidCredentials(f"known_hosts cannot be read: {error}") from error
    options["known_hosts"] = known
    if remote.kex_algorithms:
        options["kex_algs"] = list(remote.kex_algorithms)
    if remote.host_key_algorithms:
        options["server_host_key_algs"] = list(remote.host_key_algorithms)
    elif _knows_only_rsa(remote.known_hosts):
        options["server_host_key_algs"] = list(_ONLY_RSA)
    return options


def _private_key(remote: Remote) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(remote.identity, remote.passphrase or None)
    except asyncssh.KeyEncryptionError as error:
        raise AuthenticationFailed(
            f"ssh identity is encrypted and 'password' does not open it: {error}"
        ) from error
    except asyncssh.KeyImportError as error:
        raise InvalidCredentials(f"ssh identity cannot be read: {error}") from error


def _knows_only_rsa(known_hosts: str) -> bool:
    kinds = {
        word
        for line in known_hosts.splitlines()
        for word in line.split()
        if word.startswith(("ssh-", "ecdsa-"))
    }
    return kinds == {"ssh-rsa"}
