"""The same conversations with our fake registry and with a genuine one (Debian's docker-registry)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from shared.oci.authorization import Authorizations
from shared.oci.errors import ContentNotFound
from shared.oci.opening import Opening
from shared.oci.push import push_artifact, push_index
from shared.oci.reference import Repository
from shared.oci.registry import Registry, opened
from tests.e2e.processes import free_port
from tests.fakes.registry import fake_registry

GENUINE = shutil.which("docker-registry")
DATA = os.urandom(3 * 1024 * 1024)


@pytest.fixture(params=["fake", "genuine"])
async def registry(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Registry]:
    if request.param == "genuine" and GENUINE is None:
        pytest.skip("no docker-registry here: apt-get install docker-registry")
    serving = _genuine(tmp_path) if request.param == "genuine" else _fake()
    async with (
        serving as host,
        opened(
            Repository(host, "team/app"), Opening(insecure=True), Authorizations(), actions="pull,push"
        ) as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def _fake() -> AsyncIterator[str]:
    async with fake_registry() as server:
        yield server.host


@contextlib.asynccontextmanager
async def _genuine(folder: Path) -> AsyncIterator[str]:
    port = free_port()
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    assert GENUINE
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [GENUINE, "serve", str(folder / "config.yml")], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            async with asyncio.timeout(10):
                while not await _answers(port):
                    await asyncio.sleep(0.05)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def test_push_and_pull(registry: Registry, tmp_path: Path) -> None:
    pushed = await push_artifact(registry, "v1", [(DATA, "application/x")], annotations={"k": "v"})
    again = await push_artifact(registry, "v1", [(DATA, "application/x")], annotations={"k": "v"})
    assert pushed == again
    assert await registry.digest("v1") == pushed.digest
    manifest = await registry.image(pushed.digest)
    assert manifest.annotations == {"k": "v"}
    await registry.fetch_blob(manifest.layers[0], tmp_path / "layer", max_bytes=len(DATA))
    assert (tmp_path / "layer").read_bytes() == DATA


async def test_pages_of_tags(registry: Registry) -> None:
    tags = [f"v{number:04}" for number in range(30)]
    await push_artifact(registry, tags[0], [(b"x", "application/x")])
    raw, _ = await registry.manifest_bytes(tags[0])
    for tag in tags[1:]:
        async with registry.answer(
            "PUT",
            f"manifests/{tag}",
            body=raw,
            media_type="application/vnd.oci.image.manifest.v1+json",
        ) as response:
            assert response.status == 201
    pages = [page async for page in registry.tag_pages()]
    # The genuine one neither sorts nor divides.
    assert sorted(tag for page in pages for tag in page) == tags


async def test_what_is_not_there(registry: Registry) -> None:
    with pytest.raises(ContentNotFound):
        await registry.digest("v1")
    with pytest.raises(ContentNotFound):
        [page async for page in registry.tag_pages()]


async def test_referrers(registry: Registry) -> None:
    subject = await push_artifact(registry, "v1", [(b"x", "application/x")])
    signature = await push_artifact(
        registry, "", [(b"sig", "s/s")], subject=subject, artifact_type="application/x"
    )
    # What clients do where the registry does not keep that list itself.
    await push_index(registry, subject.digest.replace(":", "-"), [signature])
    assert [found.digest for found in await registry.referrers(subject.digest)] == [signature.digest]
