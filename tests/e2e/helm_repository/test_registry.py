"""HelmCharts out of registries: versions, credentials, signatures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.model.kinds import HELM_CHART
from shared.oci.manifest import Descriptor
from shared.oci.push import push_artifact
from tests.e2e.git_repository.words import make_secret
from tests.e2e.helm_repository.words import handled, make_helm_chart, make_repository, served
from tests.e2e.oci_repository.words import key_pair, sign
from tests.e2e.world import World, condition
from tests.fakes.chart_repository import make_chart
from tests.fakes.registry import FakeRegistry, fake_registry

pytestmark = pytest.mark.e2e

LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
PATH = "charts/app"


@pytest.fixture
async def registry() -> AsyncIterator[FakeRegistry]:
    async with fake_registry() as running:
        yield running


async def push(registry: FakeRegistry, version: str, layer: str = LAYER) -> tuple[Descriptor, bytes]:
    chart, _ = make_chart("app", version)
    async with registry.client(PATH) as client:
        return await push_artifact(client, version.replace("+", "_"), [(chart, layer)]), chart


async def test_versions(world: World, registry: FakeRegistry) -> None:
    charts = {version: (await push(registry, version))[1] for version in ("1.0.0", "1.2.0+build.5", "2.0.0")}
    await make_repository(world, type="oci", url=registry.url("charts"), insecure=True)
    for name, wanted, found in (
        ("any", "*", "2.0.0"),
        ("range", "1.x", "1.2.0+build.5"),
        ("exact", "1.0.0", "1.0.0"),
    ):
        await make_helm_chart(world, name, version=wanted)
        obj = await world.ready(HELM_CHART, name, revision=found)
        assert served(obj) == charts[found]
        assert "observedSourceArtifactRevision" not in obj["status"]
    assert registry.seen("GET", "tags/list") == 2

    seen = len(registry.calls)
    await handled(world, HELM_CHART, "exact")
    assert len(registry.calls) == seen


async def test_credentials(world: World, registry: FakeRegistry) -> None:
    await push(registry, "1.0.0")
    registry.username, registry.password = "ada", "s3cr3t"
    await make_secret(world, "wrong", username="ada", password="wr0ng")
    await make_secret(world, "right", username="ada", password="s3cr3t")
    await make_repository(
        world, type="oci", url=registry.url("charts"), insecure=True, secretRef={"name": "wrong"}
    )
    await make_repository(
        world, "open", type="oci", url=registry.url("charts"), insecure=True, secretRef={"name": "right"}
    )
    await make_helm_chart(world)
    obj = await world.until(HELM_CHART, "app", lambda obj: bool(condition(obj, "FetchFailed")))
    failed = condition(obj, "FetchFailed")
    assert failed["reason"] == "Unknown"
    assert "failed to authenticate with the Helm repository" in failed["message"]
    assert "wr0ng" not in str(obj)

    await world.change(HELM_CHART, "app", sourceRef={"kind": "HelmRepository", "name": "open"})
    await world.ready(HELM_CHART, "app", revision="1.0.0")


async def test_what_cannot_be_pulled(world: World, registry: FakeRegistry) -> None:
    await push(registry, "1.0.0", layer="application/x")
    await make_repository(world, type="oci", url=registry.url("charts"), insecure=True)
    for name, spec, words in (
        ("media-type", {"version": "1.0.0"}, "does not contain a layer with mediatype"),
        ("no-tag", {"version": "9.0.0"}, "404"),
        ("no-match", {"version": ">9"}, "could not locate a version matching"),
        ("nonsense", {"version": "newest"}, "improper constraint"),
        ("no-chart", {"chart": "gone"}, "404"),
    ):
        await make_helm_chart(world, name, **spec)
        obj = await world.failing(HELM_CHART, name, "ChartPullError")
        assert words in condition(obj, "FetchFailed")["message"]
        assert condition(obj, "Reconciling")["reason"] == "ProgressingWithRetry"
    await make_helm_chart(world, "dots", chart="..")
    obj = await world.failing(HELM_CHART, "dots", "InvalidChartReference")
    assert condition(obj, "Stalled")["reason"] == "InvalidChartReference"


async def test_only_what_is_signed_is_published(world: World, registry: FakeRegistry) -> None:
    key, public = key_pair()
    other, _ = key_pair()
    await make_secret(world, "keys", cosign__pub=public)
    pushed, _ = await push(registry, "1.0.0")
    await make_repository(world, type="oci", url=registry.url("charts"), insecure=True)
    await make_helm_chart(world, verify={"provider": "cosign", "secretRef": {"name": "keys"}})

    async with registry.client(PATH) as client:
        for signer in (None, other):
            if signer is not None:
                await sign(client, pushed.digest, signer)
                await world.request(HELM_CHART, "app")
            obj = await world.failing(HELM_CHART, "app", "VerificationError")
            assert condition(obj, "BuildFailed")["reason"] == "ChartVerificationError"
            assert condition(obj, "SourceVerified")["status"] == "False"
            assert "artifact" not in obj["status"]
        await sign(client, pushed.digest, key)
    await world.request(HELM_CHART, "app")
    obj = await world.ready(HELM_CHART, "app", revision="1.0.0")
    assert condition(obj, "SourceVerified")["message"] == "verified signature of version 1.0.0"

    await world.change(HELM_CHART, "app", verify=None)
    obj = await world.ready(HELM_CHART, "app")
    assert not condition(obj, "SourceVerified")
