"""Genuine git servers on loopback: git http-backend behind aiohttp, and git's own programs behind asyncssh.

What a test makes go wrong (credentials, redirects, hanging, TLS) is this file's; what travels is git's.
"""

import asyncio
import base64
import contextlib
import os
import shlex
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
from aiohttp import web

from tests.fakes.git_repo import GitRepo


@dataclass(frozen=True)
class Call:
    """One request as it came: enough to count fetches and to see credentials."""

    method: str
    path: str
    headers: Mapping[str, str]
    fetches: bool


@dataclass
class HttpGitServer:
    """Serves every repository below `root` as /<name>.git; the fields may change while it runs."""

    root: Path
    url: str = ""
    username: str = ""
    password: str = ""
    bearer: str = ""
    redirect_to: str = ""
    hang: bool = False
    old: bool = False
    """Speak the protocol of before 2018."""
    mangle: Callable[[bytes], bytes] | None = None
    """Applied to the body of every answer."""
    status: int = 0
    calls: list[Call] = field(default_factory=list)

    def repo(self, name: str = "repo") -> GitRepo:
        return GitRepo.create(self.root / f"{name}.git")

    def url_of(self, name: str = "repo") -> str:
        return f"{self.url}/{name}.git"

    @property
    def fetches(self) -> int:
        """How many packs were asked for; listing refs does not count."""
        return sum(call.fetches for call in self.calls)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asks_for_pack = b"command=fetch" in body or b"want " in body
        self.calls.append(Call(request.method, request.path, dict(request.headers), asks_for_pack))
        if self.hang:
            await asyncio.sleep(3600)
        if self.status:
            return web.Response(status=self.status)
        if self.redirect_to:
            raise web.HTTPFound(self.redirect_to + request.path_qs)
        if not self._authorized(request):
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
        return await self._backend(request, body)

    def _authorized(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        if self.bearer:
            return given == f"Bearer {self.bearer}"
        if self.username:
            pair = f"{self.username}:{self.password}".encode()
            return given == f"Basic {base64.b64encode(pair).decode()}"
        return True

    async def _backend(self, request: web.Request, body: bytes) -> web.StreamResponse:
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": "" if self.old else request.headers.get("Git-Protocol", ""),
        }
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend", stdin=-1, stdout=-1, stderr=asyncio.subprocess.DEVNULL, env=environment
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(body)
        process.stdin.close()
        status, headers = 200, {}
        while line := (await process.stdout.readline()).strip().decode():
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                headers[name] = value
        if self.mangle is not None:
            raw = await process.stdout.read()
            await process.wait()
            return web.Response(status=status, headers=headers, body=self.mangle(raw))
        response = web.StreamResponse(status=status, headers=headers)
        try:
            await response.prepare(request)
            while chunk := await process.stdout.read(65536):
                await response.write(chunk)
        except ConnectionError:
            # A client that has gone does not keep git from what it is doing.
            await process.stdout.read()
        except asyncio.CancelledError:
            # The server itself ends.
            process.kill()
            raise
        finally:
            await process.wait()
        return response


@contextlib.asynccontextmanager
async def http_git_server(root: Path, tls: ssl.SSLContext | None = None) -> AsyncIterator[HttpGitServer]:
    server = HttpGitServer(root)
    app = web.Application(client_max_size=64 * 1024**2)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@dataclass
class SshGitServer:
    """Serves repositories below `root` to the owner of `client_key`."""

    root: Path
    host_key: asyncssh.SSHKey
    client_key: asyncssh.SSHKey
    port: int = 0
    old: bool = False
    """Ignore GIT_PROTOCOL, as sshd does unless it is told to accept it."""

    def url_of(self, name: str = "repo") -> str:
        return f"ssh://git@127.0.0.1:{self.port}{self.root}/{name}.git"

    @property
    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.host_key.export_public_key().decode()}"

    def identity(self, passphrase: str | None = None) -> str:
        return self.client_key.export_private_key("pkcs8-pem", passphrase).decode()

    async def run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        words = shlex.split(process.command or "")
        if len(words) != 2 or words[0] not in {"git-upload-pack", "git-receive-pack"}:
            process.exit(1)
            return
        version = "" if self.old else process.env.get("GIT_PROTOCOL", "")
        child = await asyncio.create_subprocess_exec(
            *words, stdin=-1, stdout=-1, stderr=-1, env={"PATH": os.environ["PATH"], "GIT_PROTOCOL": version}
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        with contextlib.suppress(asyncssh.Error, ConnectionError):
            async with asyncio.TaskGroup() as tasks:
                feeding = tasks.create_task(_feed(process.stdin, child.stdin))
                telling = tasks.create_task(_copy(child.stderr, process.stderr))
                await _copy(child.stdout, process.stdout)
                await telling
                feeding.cancel()
            process.exit(await child.wait())


async def _feed(source: Any, sink: Any) -> None:
    """What a program that has ended does not read any more is no reason to lose what it wrote."""
    with contextlib.suppress(ConnectionError):
        await _copy(source, sink)


async def _copy(source: Any, sink: Any) -> None:
    while chunk := await source.read(65536):
        sink.write(chunk)
        await sink.drain()
    if isinstance(sink, asyncio.StreamWriter):
        sink.close()


@contextlib.asynccontextmanager
async def ssh_git_server(root: Path) -> AsyncIterator[SshGitServer]:
    server = SshGitServer(
        root, asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    )
    listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[server.host_key],
        authorized_client_keys=asyncssh.import_authorized_keys(
            server.client_key.export_public_key().decode()
        ),
        process_factory=server.run,
        encoding=None,
    )
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()
