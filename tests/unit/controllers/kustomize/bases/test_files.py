"""Files behind http: what is taken, how far a redirect is followed, and what the message says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from controllers.kustomize.bases import files
from controllers.kustomize.bases.files import fetch_file
from controllers.kustomize.bases.guard import Guard
from shared.kustomize.errors import BuildError, LimitExceeded, RemoteFailed, RemoteRefused

HERE = Guard(loopback=True)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        match request.match_info["name"]:
            case "file":
                return web.Response(text="kind: A\n")
            case "page":
                return web.Response(text="<p>", content_type="text/html")
            case "moved":
                raise web.HTTPFound("/file")
            case "round":
                raise web.HTTPFound("/round")
            case "away":
                raise web.HTTPFound("http://169.254.169.254/latest")
            case "disk":
                raise web.HTTPFound("file:///etc/passwd")
        raise web.HTTPNotFound

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize("name", ["file", "moved"])
async def test_a_file_is_fetched(url: str, name: str) -> None:
    assert await fetch_file(f"{url}/{name}", HERE) == b"kind: A\n"


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("none", RemoteFailed, "the server answered 404"),
        ("page", RemoteFailed, "a web page"),
        ("round", RemoteFailed, "more than 5 redirects"),
        ("away", RemoteRefused, r"169\.254\.169\.254"),
        ("disk", RemoteRefused, "redirect from http to file refused"),
    ],
)
async def test_anything_else_is_not(url: str, name: str, error: type[BuildError], words: str) -> None:
    with pytest.raises(error, match=words):
        await fetch_file(f"{url}/{name}", HERE)


async def test_loopback_is_refused_without_the_flag(url: str) -> None:
    with pytest.raises(RemoteRefused, match=r"127\.0\.0\.1"):
        await fetch_file(f"{url}/file", Guard())
    with pytest.raises(RemoteRefused, match=r"127\.0\.0\.1|::1"):
        await fetch_file(f"{url}/file".replace("127.0.0.1", "localhost"), Guard())


async def test_a_file_has_an_end(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MAX_BYTES", 3)
    with pytest.raises(LimitExceeded):
        await fetch_file(f"{url}/file", HERE)


async def test_no_server_and_no_url_are_told_without_a_password() -> None:
    for url in ("http://me:secret@127.0.0.1:1/x", "http://me:secret@[broken"):
        with pytest.raises(RemoteFailed) as failed:
            await fetch_file(url, HERE)
        assert "secret" not in str(failed.value)
