"""HelmCharts out of git: versions, values, dependencies."""

from __future__ import annotations

import pytest
import yaml

from shared.model.kinds import BUCKET, GIT_REPOSITORY, HELM_CHART, HELM_REPOSITORY
from shared.oci.push import push_artifact
from tests.e2e.git_repository.words import make_secret
from tests.e2e.helm_repository.words import chart_files, make_helm_chart, make_repository, names_in, served
from tests.e2e.repository import Repository
from tests.e2e.world import World, condition
from tests.fakes.chart_repository import ChartRepository, make_chart
from tests.fakes.object_store import ACCESS, SECRET, MotoServer
from tests.fakes.registry import fake_registry

pytestmark = pytest.mark.e2e

SOURCE = {"kind": "GitRepository", "name": "repo"}


def metadata(name: str, version: str, **more: object) -> str:
    return yaml.safe_dump({"apiVersion": "v2", "name": name, "version": version, **more})


def short(revision: str) -> str:
    return revision.rpartition(":")[2][:12]


async def test_a_chart_of_a_commit(world: World, repository: Repository) -> None:
    first = repository.commit(
        {
            "charts/app/Chart.yaml": metadata("app", "1.0.0"),
            "charts/app/values.yaml": "a: 1\n",
            "charts/app/templates/x.yaml": "kind: ConfigMap\n",
            "charts/app/notes.md": "not in the chart",
            "charts/app/.helmignore": "*.md\n",
            "prod.yaml": "a: 2\n",
        }
    )
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    for name, spec in (
        ("by-version", {}),
        ("by-revision", {"reconcileStrategy": "Revision"}),
        ("values", {"reconcileStrategy": "Revision", "valuesFiles": ["charts/app/values.yaml", "prod.yaml"]}),
    ):
        await make_helm_chart(world, name, chart="./charts/app", sourceRef=SOURCE, **spec)
    obj = await world.ready(HELM_CHART, "by-version", revision="1.0.0")
    assert set(chart_files(obj)) == {
        "app/.helmignore",
        "app/Chart.yaml",
        "app/templates/x.yaml",
        "app/values.yaml",
    }
    assert condition(obj, "Ready")["message"] == "packaged 'app' chart with version '1.0.0'"
    await world.ready(HELM_CHART, "by-revision", revision=f"1.0.0+{short(first)}")
    obj = await world.ready(HELM_CHART, "values", revision=f"1.0.0+{short(first)}.1")
    assert chart_files(obj)["app/values.yaml"] == "a: 2\n"

    second = repository.commit({"charts/app/values.yaml": "a: 3\n"})
    await world.request(GIT_REPOSITORY, "repo")
    await world.ready(HELM_CHART, "by-revision", revision=f"1.0.0+{short(second)}")
    await world.until(
        HELM_CHART,
        "by-version",
        lambda obj: obj["status"]["observedSourceArtifactRevision"] == second,
    )
    obj = await world.ready(HELM_CHART, "by-version", revision="1.0.0")
    assert chart_files(obj)["app/values.yaml"] == "a: 1\n"


async def test_dependencies(world: World, repository: Repository, server: ChartRepository) -> None:
    server.add(*make_chart("redis", "18.1.0"))
    server.add(*make_chart("redis", "19.0.0"))
    server.add(*make_chart("locked", "1.0.0"))
    server.add(*make_chart("locked", "1.1.0"))
    server.username, server.password = "ada", "s3cr3t"
    await make_secret(world, "login", username="ada", password="s3cr3t")
    await make_repository(world, url=f"{server.url}/", secretRef={"name": "login"})
    await world.ready(HELM_REPOSITORY, "charts")
    wanted = [
        {"name": "redis", "version": "18.x", "repository": server.url},
        {"name": "redis", "version": "18.x", "repository": server.url, "alias": "cache"},
        {"name": "common", "version": "0.1.0", "repository": "file://../common"},
        {"name": "vendored", "version": "2.0.0", "repository": ""},
    ]
    repository.commit(
        {
            "app/Chart.yaml": metadata("app", "1.0.0", dependencies=wanted),
            "app/charts/vendored/Chart.yaml": metadata("vendored", "2.0.0"),
            "common/Chart.yaml": metadata("common", "0.1.0", type="library"),
            "common/templates/_x.tpl": "{{/* nothing */}}",
            "locked/Chart.yaml": metadata(
                "uses-locked",
                "1.0.0",
                dependencies=[{"name": "locked", "version": ">=1", "repository": server.url}],
            ),
            "locked/Chart.lock": yaml.safe_dump(
                {"dependencies": [{"name": "locked", "version": "1.0.0", "repository": server.url}]}
            ),
            "broken/Chart.yaml": metadata(
                "broken", "1.0.0", dependencies=[{"name": "x", "version": "1", "repository": "@alias"}]
            ),
            "escape/Chart.yaml": metadata(
                "escape",
                "1.0.0",
                dependencies=[{"name": "x", "version": "1", "repository": "file://../../../../etc"}],
            ),
        }
    )
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    for path in ("app", "locked", "broken", "escape"):
        await make_helm_chart(world, path, chart=path, sourceRef=SOURCE)

    files = names_in(await world.ready(HELM_CHART, "app", revision="1.0.0"))
    assert files == {
        "app/Chart.yaml",
        "app/charts/common/Chart.yaml",
        "app/charts/common/templates/_x.tpl",
        "app/charts/redis-18.1.0.tgz",
        "app/charts/vendored/Chart.yaml",
    }
    obj = await world.ready(HELM_CHART, "locked", revision="1.0.0")
    assert "uses-locked/charts/locked-1.0.0.tgz" in names_in(obj)
    for name, words in (
        ("broken", "repository '@alias' is not supported"),
        ("escape", "no chart found at 'etc' (reference 'file://../../../../etc')"),
    ):
        obj = await world.failing(HELM_CHART, name, "DependencyBuildError")
        assert words in condition(obj, "BuildFailed")["message"]
    assert "s3cr3t" not in str(obj)


async def test_dependencies_that_nobody_described(
    world: World, repository: Repository, server: ChartRepository
) -> None:
    chart, _ = make_chart("tagged", "2.0.0+x")
    server.add(*make_chart("open", "1.0.0"))
    server.add(*make_chart("open", "1.1.0"))
    layer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
    async with fake_registry() as registry:
        async with registry.client("charts/tagged") as client:
            await push_artifact(client, "2.0.0_x", [(chart, layer)])
        # It says no more than that this registry has no TLS.
        await make_repository(world, "plain", type="oci", url=registry.url("charts"), insecure=True)
        wanted = [
            {"name": "open", "version": "1.0.0", "repository": f"{server.url}/"},
            {"name": "open", "version": "~1.1", "repository": server.url, "alias": "newer"},
            {"name": "tagged", "version": "2.x", "repository": registry.url("charts")},
        ]
        repository.commit({"app/Chart.yaml": metadata("app", "1.0.0", dependencies=wanted)})
        await world.git_repository(url=repository.url, ref={"branch": "main"})
        await make_helm_chart(world, chart="app", sourceRef=SOURCE)
        files = names_in(await world.ready(HELM_CHART, "app", revision="1.0.0"))
    assert files == {"app/Chart.yaml"} | {
        f"app/charts/{name}.tgz" for name in ("open-1.0.0", "open-1.1.0", "tagged-2.0.0+x")
    }
    # One index for both.
    assert server.seen("/index.yaml") == 1


async def test_what_is_no_chart(world: World, repository: Repository) -> None:
    repository.commit(
        {
            "no-name/Chart.yaml": "apiVersion: v2\nversion: 1.0.0\n",
            "dots/Chart.yaml": metadata("..", "1.0.0"),
            "no-version/Chart.yaml": metadata("x", "newest"),
            "yaml/Chart.yaml": "{",
            "empty/README.md": "",
        }
    )
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    for name, words in (
        ("no-name", "chart.metadata.name is required"),
        ("dots", "chart.metadata.name '..' is invalid"),
        ("no-version", "chart.metadata.version 'newest' is invalid"),
        ("yaml", "cannot load Chart.yaml"),
        ("empty", "no chart found at path 'empty'"),
        ("gone", "no chart found at path '../../gone'"),
    ):
        path = "../../gone" if name == "gone" else name
        await make_helm_chart(world, name, chart=path, sourceRef=SOURCE)
        obj = await world.failing(HELM_CHART, name, "InvalidChartReference")
        assert words in condition(obj, "FetchFailed")["message"]
        assert condition(obj, "Stalled")


async def test_sources_that_are_not_there(world: World, server: ChartRepository) -> None:
    await make_helm_chart(world)
    obj = await world.failing(HELM_CHART, "app", "SourceUnavailable")
    server.index = b"nonsense"
    await make_repository(world, url=server.url)
    obj = await world.failing(HELM_REPOSITORY, "charts", "IndexationFailed")
    assert condition(obj, "FetchFailed")["reason"] == "IndexationFailed"
    await make_helm_chart(world, "waiting")
    obj = await world.failing(HELM_CHART, "waiting", "NoSourceArtifact")
    assert condition(obj, "FetchFailed")["message"] == (
        "no artifact available for HelmRepository source 'charts'"
    )
    server.index = None
    server.add(*make_chart("app", "1.0.0"))
    await world.request(HELM_REPOSITORY, "charts")
    # The watch wakes it; it does not wait for its time.
    await world.ready(HELM_CHART, "waiting", revision="1.0.0", seconds=10)


async def test_a_chart_of_a_bucket(world: World, moto: MotoServer) -> None:
    await make_secret(world, "keys", accesskey=ACCESS, secretkey=SECRET)
    chart, _ = make_chart("app", "1.0.0")
    bucket = moto.bucket({"charts/app.tgz": chart, "dir/Chart.yaml": metadata("dir", "2.0.0")})
    await world.bucket(bucketName=bucket, endpoint=moto.endpoint, secretRef={"name": "keys"})
    source = {"kind": "Bucket", "name": "objects"}
    await make_helm_chart(world, "packaged", chart="charts/app.tgz", sourceRef=source)
    await make_helm_chart(world, "built", chart="dir", sourceRef=source, reconcileStrategy="Revision")

    assert served(await world.ready(HELM_CHART, "packaged", revision="1.0.0")) == chart
    revision = (await world.ready(BUCKET, "objects"))["status"]["artifact"]["revision"]
    await world.ready(HELM_CHART, "built", revision=f"2.0.0+{short(revision)}")
