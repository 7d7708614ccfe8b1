import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from shared.artifacts.serve import create_app

CONTENT = b"0123456789"


@pytest.fixture
async def base(tmp_path: Path) -> AsyncIterator[str]:
    root = tmp_path / "data"
    folder = root / "gitrepository" / "apps"
    folder.mkdir(parents=True)
    (folder / "sha256:a+b.tar.gz").write_bytes(CONTENT)
    (folder / "latest.tar.gz").symlink_to(folder / "sha256:a+b.tar.gz")
    (root / "<b>.yaml").write_text("x")
    (tmp_path / "secret").write_text("secret")
    (folder / "out").symlink_to(tmp_path)
    async with TestServer(create_app(root)) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


FILE = "/gitrepository/apps/sha256:a+b.tar.gz"


async def test_get_gives_the_bytes_as_stored(base: str, http: aiohttp.ClientSession) -> None:
    async with http.get(base + FILE) as answer:
        assert await answer.read() == CONTENT
        assert answer.headers["Content-Type"] == "application/gzip"
        assert "Content-Encoding" not in answer.headers
        assert "Last-Modified" in answer.headers
    async with http.get(base + "/gitrepository/apps/latest.tar.gz") as answer:
        assert await answer.read() == CONTENT


async def test_head_range_and_conditions(base: str, http: aiohttp.ClientSession) -> None:
    async with http.head(base + FILE) as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, "10")
        modified = answer.headers["Last-Modified"]
    async with http.get(base + FILE, headers={"Range": "bytes=2-4"}) as answer:
        assert (answer.status, await answer.read()) == (206, b"234")
    async with http.get(base + FILE, headers={"If-Modified-Since": modified}) as answer:
        assert answer.status == 304


async def test_directories_are_listed(base: str, http: aiohttp.ClientSession) -> None:
    async with http.get(base + "/") as answer:
        text = await answer.text()
        assert answer.status == 200
        assert "&lt;b&gt;.yaml" in text
        assert 'href="./gitrepository/"' in text
    async with http.get(base + "/gitrepository") as answer:
        assert str(answer.url) == base + "/gitrepository/"


@pytest.mark.parametrize(
    "path",
    [
        "/no",
        "/gitrepository/apps/out/secret",
        "/..%2fsecret",
        "/gitrepository/..%2f..%2fsecret",
        "/%00",
        "/" + "a" * 300,
    ],
)
async def test_everything_else_is_not_found(base: str, http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(base + path, max_line_size=8190) as answer:
        assert answer.status == 404
        assert b"secret" not in await answer.read()


async def test_a_raw_parent_path_is_not_followed(base: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
    writer.write(b"GET /../secret HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()

    assert answer.split(b" ")[1] == b"404"


async def test_nothing_can_be_written(base: str, http: aiohttp.ClientSession) -> None:
    async with http.put(base + "/new", data=b"x") as answer:
        assert answer.status == 405
