"""Genuine helm on both sides: what it pushed is published, and what is published it takes."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from shared.model.kinds import HELM_CHART, HELM_REPOSITORY
from tests.e2e.git_repository.words import make_secret
from tests.e2e.helm_repository.words import make_helm_chart, make_repository, served
from tests.e2e.processes import Program, free_port
from tests.e2e.repository import Repository
from tests.e2e.world import World
from tests.fakes.chart_repository import chart_repository, make_chart
from tests.fakes.tls import Authority
from tests.peers import find

HELM, REGISTRY = find("helm"), shutil.which("docker-registry")
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(HELM is None, reason="no helm here: make peers")]


@dataclass(frozen=True)
class Helm:
    """Genuine helm with a home of its own."""

    home: Path

    async def __call__(self, *arguments: str) -> str:
        folders = {f"HELM_{kind}_HOME": str(self.home / kind.lower()) for kind in ("CONFIG", "CACHE", "DATA")}
        done = await asyncio.to_thread(
            subprocess.run,
            [str(HELM), *arguments],
            cwd=self.home,
            env={"HOME": str(self.home), "PATH": "/usr/bin:/bin", **folders},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def helm(tmp_path: Path) -> Helm:
    home = tmp_path / "home"
    home.mkdir()
    return Helm(home)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    if REGISTRY is None:
        pytest.skip("no docker-registry here: apt-get install docker-registry")
    port = free_port()
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config))
    program = Program("registry", [REGISTRY, "serve", str(tmp_path / "config.yml")], tmp_path / "log")
    program.start()
    program.wait_http(f"http://127.0.0.1:{port}/v2/")
    yield f"127.0.0.1:{port}"
    program.stop()


async def test_a_repository_with_tls_and_a_password(world: World, helm: Helm, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    (tmp_path / "ca.crt").write_text(authority.pem)
    async with chart_repository(authority.server_context()) as server:
        server.add(*make_chart("app", "1.0.0"))
        server.username, server.password = "ada", "s3cr3t"
        opened = ["--ca-file", str(tmp_path / "ca.crt"), "--username", "ada", "--password", "s3cr3t"]
        await helm("repo", "add", "ours", server.url, *opened)
        await helm("pull", "ours/app", "--destination", str(tmp_path))
        assert (tmp_path / "app-1.0.0.tgz").read_bytes() == server.files["/charts/app-1.0.0.tgz"]

        await make_secret(world, "login", username="ada", password="s3cr3t")
        await make_secret(world, "trust", ca__crt=authority.pem)
        await make_repository(
            world, url=server.url, secretRef={"name": "login"}, certSecretRef={"name": "trust"}
        )
        await make_helm_chart(world)
        obj = await world.ready(HELM_CHART, "app", revision="1.0.0")
        assert served(obj) == server.files["/charts/app-1.0.0.tgz"]
        # What was published is an index to helm, too.
        index = (await world.get(HELM_REPOSITORY, "charts"))["status"]["url"].removesuffix("/index.yaml")
        await helm("repo", "add", "stored", index)
        assert "1.0.0" in await helm("search", "repo", "stored/app")


async def test_a_registry(world: World, helm: Helm, registry: str, tmp_path: Path) -> None:
    chart, _ = make_chart("app", "1.0.0+build.7")
    (tmp_path / "app.tgz").write_bytes(chart)
    await helm("push", str(tmp_path / "app.tgz"), f"oci://{registry}/charts", "--plain-http")
    await make_repository(world, type="oci", url=f"oci://{registry}/charts", insecure=True)
    await make_helm_chart(world, version="1.x")
    assert served(await world.ready(HELM_CHART, "app", revision="1.0.0+build.7")) == chart


async def test_helm_takes_what_was_packaged(world: World, helm: Helm, repository: Repository) -> None:
    template = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\ndata: {a: {{ .Values.a | quote }}}\n"
    wanted = [{"name": "lib", "version": "0.1.0", "repository": "file://../lib"}]
    app = {"apiVersion": "v2", "name": "app", "version": "1.0.0", "dependencies": wanted}
    repository.commit(
        {
            "app/Chart.yaml": yaml.safe_dump(app),
            "app/values.yaml": "a: 1\n",
            "app/templates/x.yaml": template,
            "lib/Chart.yaml": yaml.safe_dump({"apiVersion": "v2", "name": "lib", "version": "0.1.0"}),
            "prod.yaml": "a: 2\n",
        }
    )
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    source = {"kind": "GitRepository", "name": "repo"}
    await make_helm_chart(world, chart="app", sourceRef=source, valuesFiles=["app/values.yaml", "prod.yaml"])
    obj = await world.ready(HELM_CHART, "app", revision="1.0.0+1")
    (helm.home / "app.tgz").write_bytes(served(obj))

    assert "version: 1.0.0+1" in await helm("show", "chart", "app.tgz")
    assert 'data: {a: "2"}' in await helm("template", "x", "app.tgz")
    assert "0 chart(s) failed" in await helm("lint", "app.tgz")
    assert "unpacked" in await helm("dependency", "list", "app.tgz")
