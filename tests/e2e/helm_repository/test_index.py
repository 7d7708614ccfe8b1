"""What a HelmRepository publishes, and a HelmChart out of it."""

from __future__ import annotations

import hashlib

import orjson
import pytest

from shared.model.kinds import HELM_CHART, HELM_REPOSITORY
from tests.e2e.git_repository.words import told
from tests.e2e.helm_repository.words import chart_files, handled, make_helm_chart, make_repository, served
from tests.e2e.world import World, condition
from tests.fakes.chart_repository import ChartRepository, make_chart

pytestmark = pytest.mark.e2e


async def test_from_an_index_to_a_chart(world: World, server: ChartRepository) -> None:
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        server.add(*make_chart("app", version))
    await make_repository(world, url=server.url)
    await make_helm_chart(world, version="1.x")

    repo = await world.ready(HELM_REPOSITORY, "charts")
    index = server.content("/index.yaml") or b""
    revision = f"sha256:{hashlib.sha256(index).hexdigest()}"
    artifact = repo["status"]["artifact"]
    assert artifact["revision"] == revision
    assert artifact["path"] == f"helmrepository/{world.namespace}/charts/index-{revision[7:]}.yaml"
    assert repo["status"]["url"].endswith(f"helmrepository/{world.namespace}/charts/index.yaml")
    stored = orjson.loads(served(repo))
    assert [each["version"] for each in stored["entries"]["app"]] == ["2.0.0-rc.1", "1.1.0", "1.0.0"]
    words = f"stored artifact: revision '{revision}'"
    assert {(c["type"], c["status"], c["reason"], c["message"]) for c in repo["status"]["conditions"]} == {
        ("Ready", "True", "Succeeded", words),
        ("ArtifactInStorage", "True", "Succeeded", words),
    }
    event = await told(world, "charts", "NewArtifact")
    assert event["message"].startswith("stored fetched index of size ")
    assert event["message"].endswith(f"B from '{server.url}'")

    chart = await world.ready(HELM_CHART, "app", revision="1.1.0")
    assert served(chart) == server.files["/charts/app-1.1.0.tgz"]
    assert chart["status"]["artifact"]["path"] == f"helmchart/{world.namespace}/app/app-1.1.0.tgz"
    assert chart["status"]["observedChartName"] == "app"
    assert chart["status"]["observedSourceArtifactRevision"] == revision
    words = "pulled 'app' chart with version '1.1.0'"
    assert condition(chart, "Ready")["message"] == words
    assert condition(chart, "Ready")["reason"] == "ChartPullSucceeded"
    assert (await told(world, "app", "ChartPullSucceeded"))["message"] == words

    server.add(*make_chart("app", "1.2.0"))
    await handled(world, HELM_REPOSITORY, "charts")
    await world.ready(HELM_CHART, "app", revision="1.2.0")


async def test_nothing_new_costs_one_request(world: World, server: ChartRepository) -> None:
    server.add(*make_chart("app", "1.0.0"))
    await make_repository(world, url=server.url)
    await make_helm_chart(world)
    before = await world.ready(HELM_REPOSITORY, "charts")
    chart = await world.ready(HELM_CHART, "app")
    calls = len(server.calls)

    after = await handled(world, HELM_REPOSITORY, "charts")
    again = await handled(world, HELM_CHART, "app")

    assert [(call.path, call.status) for call in server.calls[calls:]] == [("/index.yaml", 304)]
    assert after["status"]["artifact"] == before["status"]["artifact"]
    assert after["status"]["conditions"] == before["status"]["conditions"]
    assert again["status"]["artifact"] == chart["status"]["artifact"]
    await told(world, "charts", "ArtifactUpToDate")


async def test_other_values_make_another_version(world: World, server: ChartRepository) -> None:
    files = {"values.yaml": "greeting: hello\nnested: {a: 1, b: 2}\n", "prod.yaml": "nested: {b: 3}\n"}
    server.add(*make_chart("app", "1.0.0", files))
    await make_repository(world, url=server.url)
    await make_helm_chart(world, valuesFiles=["values.yaml", "prod.yaml", "gone.yaml"])
    obj = await world.failing(HELM_CHART, "app", "ValuesFilesError")
    assert condition(obj, "Stalled")["reason"] == condition(obj, "BuildFailed")["reason"]
    assert condition(obj, "Ready")["message"] == (
        "values files merge error: no values file found at path 'gone.yaml'"
    )

    await world.change(HELM_CHART, "app", ignoreMissingValuesFiles=True)
    obj = await world.ready(HELM_CHART, "app", revision="1.0.0+2")
    assert chart_files(obj)["app/values.yaml"] == "greeting: hello\nnested:\n  a: 1\n  b: 3\n"
    assert "version: 1.0.0+2" in chart_files(obj)["app/Chart.yaml"]
    assert obj["status"]["observedValuesFiles"] == ["values.yaml", "prod.yaml"]
    assert condition(obj, "Ready")["reason"] == "ChartPackageSucceeded"
    assert condition(obj, "Ready")["message"] == (
        "packaged 'app' chart with version '1.0.0+2' and merged values files [values.yaml prod.yaml]"
    )


async def test_static_repositories_are_left_alone(world: World, server: ChartRepository) -> None:
    server.add(*make_chart("app", "1.0.0"))
    await make_repository(world, url=server.url)
    obj = await world.ready(HELM_REPOSITORY, "charts")
    assert obj["metadata"]["finalizers"]

    await world.change(HELM_REPOSITORY, "charts", type="oci", url="oci://registry.example.com/charts")
    obj = await world.until(HELM_REPOSITORY, "charts", lambda obj: not any(obj["status"].values()))
    assert not obj["metadata"].get("finalizers")
