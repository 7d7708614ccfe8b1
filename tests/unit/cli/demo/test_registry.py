"""The demo's registry, judged by the client that the controllers use."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from cli.demo import registry
from shared.oci.authorization import Authorizations
from shared.oci.errors import ContentNotFound
from shared.oci.manifest import Manifest
from shared.oci.opening import Opening
from shared.oci.push import push_artifact
from shared.oci.reference import Repository, digest_of
from shared.oci.registry import Registry, opened


@pytest.fixture
async def host() -> AsyncIterator[str]:
    async with registry.serving() as started:
        yield started


@pytest.fixture
async def prices(host: str) -> AsyncIterator[Registry]:
    name = Repository.parse(f"oci://{host}/team/prices")
    async with opened(name, Opening(plain=True), Authorizations(), actions="pull,push") as client:
        yield client


async def test_what_was_pushed_is_pulled(prices: Registry) -> None:
    pushed = await push_artifact(prices, "1.0.0", [(b"tea: 2.20", "text/plain")])
    assert await prices.digest("1.0.0") == pushed.digest
    found = await prices.manifest("1.0.0")
    assert isinstance(found, Manifest)
    assert await prices.blob(found.layers[0], max_bytes=100) == b"tea: 2.20"


async def test_tags_are_listed(prices: Registry) -> None:
    for tag in ("1.1.0", "1.0.0"):
        await push_artifact(prices, tag, [(b"tea", "text/plain")])
    assert [tags async for tags in prices.tag_pages()] == [["1.0.0", "1.1.0"]]


async def test_what_is_not_there_is_not_found(prices: Registry) -> None:
    with pytest.raises(ContentNotFound):
        await prices.digest("9.9.9")


@pytest.mark.parametrize("path", ["manifests/", "blobs/uploads/1?digest="], ids=["manifest", "blob"])
async def test_content_under_another_digest_is_refused(host: str, path: str) -> None:
    url = f"http://{host}/v2/prices/{path}{digest_of(b'other')}"
    async with aiohttp.ClientSession() as session, session.put(url, data=b"{}") as response:
        assert response.status == 400
        assert (await response.json())["errors"][0]["code"] == "DIGEST_INVALID"
