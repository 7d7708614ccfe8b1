"""Charts on disk: fetched once, described within bounds, and not kept for ever."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from controllers.helm import chart_facts, chart_files
from controllers.helm.chart_facts import ChartFacts, describe
from controllers.helm.chart_files import ChartFiles
from shared.artifacts.errors import ArtifactNotFound, DigestMismatch
from shared.artifacts.fetch import Fetcher, FetchPolicy
from shared.charts.errors import InvalidChart
from shared.model.artifact import Artifact

GOOD = "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: 9\n"


def packed(*files: tuple[str, str], link: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        if link:
            member = tarfile.TarInfo("web/Chart.yaml")
            member.type, member.linkname = tarfile.SYMTYPE, link
            tar.addfile(member)
        for name, text in files:
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def test_a_chart_is_described(tmp_path: Path) -> None:
    path = tmp_path / "web.tgz"
    path.write_bytes(
        packed(("web/values.yaml", "a: 1"), ("web/charts/x/Chart.yaml", "bad"), ("web/Chart.yaml", GOOD))
    )
    assert describe(path) == ChartFacts("web", "1.0.0", "9")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"nonsense", "not a .tgz archive", id="no archive"),
        pytest.param(packed(("web/Chart.yaml", GOOD))[:-20], "not a .tgz archive|Chart.yaml", id="cut short"),
        pytest.param(packed(("web/values.yaml", "a: 1")), "Chart.yaml file is missing", id="no Chart.yaml"),
        pytest.param(packed(("web/Chart.yaml", "[]")), "not a mapping", id="a list"),
        pytest.param(packed(("web/Chart.yaml", ":\n  - {")), "invalid Chart.yaml", id="no YAML"),
        pytest.param(
            packed(("web/Chart.yaml", GOOD.replace("v2", "v1"))), "only the Chart API v2", id="Helm 2"
        ),
        pytest.param(packed(("web/Chart.yaml", GOOD.replace("web", ".."))), "name", id="a name that climbs"),
        pytest.param(
            packed(("web/Chart.yaml", GOOD.replace("1.0.0", '"1.0\\e[31m"'))), "version", id="escape codes"
        ),
        pytest.param(packed(link="/etc/passwd"), "no file of a sensible size", id="a link"),
    ],
)
def test_what_is_no_chart_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "web.tgz"
    path.write_bytes(content)
    with pytest.raises(InvalidChart, match=told):
        describe(path)


def test_a_bomb_is_not_unfolded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_facts, "_MAX_UNPACKED", 100_000)
    path = tmp_path / "web.tgz"
    path.write_bytes(
        gzip.compress(gzip.decompress(packed(("web/a", "x" * 500_000), ("web/Chart.yaml", GOOD))))
    )
    with pytest.raises(InvalidChart, match="unpacks to more than"):
        describe(path)


class Server:
    """Serves what it holds, and counts."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        content = self.files.get(request.path)
        return web.Response(body=content) if content is not None else web.Response(status=404)


@pytest.fixture
async def served(tmp_path: Path) -> Any:
    server, app = Server(), web.Application()
    app.router.add_get("/{name}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]

    def offer(content: bytes, digest: str = "") -> Artifact:
        found = hashlib.sha256(content).hexdigest()
        server.files[f"/{found}"] = content
        return Artifact(f"http://{host}:{port}/{found}", found, "1.0.0", f"sha256:{digest or found}")

    async with aiohttp.ClientSession() as session:
        yield server, offer, ChartFiles(tmp_path, Fetcher(session, tmp_path, FetchPolicy(retries=0)))
    await runner.cleanup()


async def test_a_chart_is_fetched_once(served: Any) -> None:
    server, offer, files = served
    artifact = offer(packed(("web/Chart.yaml", GOOD)))
    assert await files.facts(artifact) == ChartFacts("web", "1.0.0", "9")
    for _ in range(3):
        await files.facts(artifact)
        async with files.file(artifact) as path:
            assert path.read_bytes() == server.files[f"/{artifact.path}"]
    assert server.asked == 1


async def test_few_are_kept(served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, offer, files = served
    monkeypatch.setattr(chart_files, "_MOST_FILES", 2)
    artifacts = [offer(packed(("web/Chart.yaml", GOOD), ("web/x", str(number)))) for number in range(4)]
    async with files.file(artifacts[0]) as held:
        for artifact in artifacts[1:]:
            async with files.file(artifact):
                pass
        assert held.exists()
        assert len(list(tmp_path.glob("*.tgz"))) == 2
    async with files.file(artifacts[1]):
        pass
    assert server.asked == 5


async def test_what_cannot_be_had_is_told_each_time(served: Any, tmp_path: Path) -> None:
    server, offer, files = served
    lying = offer(packed(("web/Chart.yaml", GOOD)), digest="0" * 64)
    for _ in range(2):
        with pytest.raises(DigestMismatch):
            await files.facts(lying)
    server.files.clear()
    with pytest.raises(ArtifactNotFound):
        await files.facts(lying)
    assert list(tmp_path.iterdir()) == []
