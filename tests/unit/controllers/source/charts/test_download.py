"""Downloads: who gets the credentials, what is believed, and what is too much."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from controllers.source.charts.download import (
    DownloadDenied,
    Downloaded,
    DownloadFailed,
    HttpAccess,
    Validators,
    Wanted,
    download,
)
from shared.oci.opening import Opening
from shared.oci.transport import basic
from tests.fakes.chart_repository import ChartRepository, chart_repository
from tests.fakes.tls import Authority

CONTENT = b"index " * 1000
SECRET = basic("ada", "s3cr3t")


@pytest.fixture
async def server() -> AsyncIterator[ChartRepository]:
    async with chart_repository() as running:
        running.index = CONTENT
        yield running


@pytest.fixture
async def other() -> AsyncIterator[ChartRepository]:
    async with chart_repository() as running:
        running.files["/x.tgz"] = b"chart"
        yield running


async def fetch(
    access: HttpAccess, path: str, into: Path, *, limit: int = 10_000, **more: object
) -> Downloaded | None:
    url = path if "://" in path else f"{access.home}{path}"
    within = timedelta(seconds=more.pop("seconds", 5))  # type: ignore[arg-type]
    return await download(access, Wanted(url, limit, within, **more), into / f"file-{limit}")  # type: ignore[arg-type]


@pytest.mark.parametrize("compresses", [False, True], ids=["plain", "gzip"])
async def test_content_and_digest(server: ChartRepository, compresses: bool, tmp_path: Path) -> None:
    server.compresses = compresses
    found = await fetch(HttpAccess(server.url), "/index.yaml", tmp_path)
    assert found is not None
    assert (found.size, found.digest.hex) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert (tmp_path / "file-10000").read_bytes() == CONTENT


async def test_what_is_known_is_not_fetched_again(server: ChartRepository, tmp_path: Path) -> None:
    first = await fetch(HttpAccess(server.url), "/index.yaml", tmp_path)
    assert first is not None
    again = await fetch(HttpAccess(server.url), "/index.yaml", tmp_path, limit=9_999, known=first.validators)
    assert again is None
    server.index = b"other"
    other = await fetch(HttpAccess(server.url), "/index.yaml", tmp_path, limit=9_998, known=first.validators)
    assert other is not None


async def test_nobody_says_unchanged_unasked(server: ChartRepository, tmp_path: Path) -> None:
    server.has_validators = False
    found = await fetch(HttpAccess(server.url), "/index.yaml", tmp_path)
    assert found is not None
    assert found.validators == Validators()


async def test_credentials_stay_at_home(
    server: ChartRepository, other: ChartRepository, tmp_path: Path
) -> None:
    server.username, server.password = "ada", "s3cr3t"
    access = HttpAccess(server.url, authorization=SECRET)
    assert await fetch(access, "/index.yaml", tmp_path)
    assert await fetch(access, f"{other.url}/x.tgz", tmp_path, limit=9_999)
    server.redirects["/moved"] = f"{other.url}/x.tgz"
    assert await fetch(access, "/moved", tmp_path, limit=9_998)
    assert [call.authorization for call in other.calls] == ["", ""]

    everywhere = HttpAccess(server.url, authorization=SECRET, everywhere=True)
    assert await fetch(everywhere, f"{other.url}/x.tgz", tmp_path, limit=9_997)
    assert await fetch(everywhere, "/moved", tmp_path, limit=9_996)
    # Even then a redirect does not take them along.
    assert [call.authorization for call in other.calls[2:]] == [SECRET, ""]


async def test_credentials_in_a_url(server: ChartRepository, tmp_path: Path) -> None:
    server.username, server.password = "ada", "s3cr3t"
    home = server.url.replace("://", "://ada:s3cr3t@")
    assert await fetch(HttpAccess(home), "/index.yaml", tmp_path)
    server.password = "other"
    with pytest.raises(DownloadDenied, match="401 Unauthorized") as caught:
        await fetch(HttpAccess(home), "/index.yaml", tmp_path, limit=9_999)
    assert "s3cr3t" not in str(caught.value)


async def test_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with chart_repository(authority.server_context()) as server:
        server.index = CONTENT
        with pytest.raises(DownloadFailed, match="certificate refused"):
            await fetch(HttpAccess(server.url), "/index.yaml", tmp_path)
        trusting = HttpAccess(server.url, Opening(ca=authority.pem))
        assert await fetch(trusting, "/index.yaml", tmp_path, limit=9_999)
        server.redirects["/down"] = server.url.replace("https", "http")
        with pytest.raises(DownloadFailed, match="redirect from https"):
            await fetch(trusting, "/down", tmp_path, limit=9_998)


@pytest.mark.parametrize("compresses", [False, True], ids=["plain", "gzip"])
async def test_too_much(server: ChartRepository, compresses: bool, tmp_path: Path) -> None:
    server.compresses = compresses
    server.index = b"\0" * 3_000_000
    with pytest.raises(DownloadFailed, match="is larger than the limit of 100000 bytes"):
        await fetch(HttpAccess(server.url), "/index.yaml", tmp_path, limit=100_000)


async def test_an_answer_that_is_cut_short(server: ChartRepository, tmp_path: Path) -> None:
    whole = gzip.compress(CONTENT)
    server.files["/cut"] = whole[: len(whole) // 2]
    server.extra_headers = {"Content-Encoding": "gzip"}
    with pytest.raises(DownloadFailed, match="ends too early"):
        await fetch(HttpAccess(server.url), "/cut", tmp_path)
    server.files["/cut"] = b"no gzip"
    with pytest.raises(DownloadFailed, match="incorrect header"):
        await fetch(HttpAccess(server.url), "/cut", tmp_path, limit=9_999)


async def test_too_slow(server: ChartRepository, tmp_path: Path) -> None:
    server.trickle = 0.05
    started = asyncio.get_running_loop().time()
    with pytest.raises(DownloadFailed, match=r"timed out after 0\.2s"):
        await fetch(HttpAccess(server.url), "/index.yaml", tmp_path, seconds=0.2)
    assert asyncio.get_running_loop().time() - started < 2


async def test_too_many_requests(server: ChartRepository, tmp_path: Path) -> None:
    server.busy = ["0", None]
    assert await fetch(HttpAccess(server.url), "/index.yaml", tmp_path)
    server.busy = ["120"]
    with pytest.raises(DownloadFailed, match="429") as caught:
        await fetch(HttpAccess(server.url), "/index.yaml", tmp_path, limit=9_999)
    assert caught.value.retry_in == timedelta(seconds=120)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/gone", "404 Not Found"),
        ("http://127.0.0.1:1/x", "127.0.0.1:1: "),
        ("file:///etc/passwd", "is no URL of http or https"),
        ("oci://127.0.0.1/x", "is no URL of http or https"),
        ("http://[::1/x", "failed to fetch"),
        ("http://127.0.0.1:99999/x", "failed to fetch"),
    ],
)
async def test_what_cannot_be_fetched(server: ChartRepository, path: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed) as caught:
        await fetch(HttpAccess(server.url), path, tmp_path)
    assert words in str(caught.value)
