"""Fields of HelmRelease, one by one, on a running controller."""

from __future__ import annotations

import asyncio
import base64

import pytest
import yaml

from shared.kube.client import KubeClient
from shared.model.kinds import CONFIG_MAP, HELM_RELEASE, SECRET, SERVICE_ACCOUNT
from shared.model.meta import REQUESTED_AT, Object
from tests.e2e.conftest import CRD, Cluster
from tests.e2e.helm_release.charts import Chart
from tests.e2e.helm_release.words import Releases
from tests.e2e.processes import ControllerProgram
from tests.e2e.world import condition, eventually

pytestmark = [pytest.mark.e2e]

WATCHED = {"reconcile.fluxcd.io/watch": "Enabled"}


async def make(releases: Releases, kind: str, name: str, data: dict[str, str]) -> None:
    world = releases.world
    resource = SECRET if kind == "Secret" else CONFIG_MAP
    if kind == "Secret":
        data = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    metadata = {"name": name, "namespace": world.namespace, "labels": WATCHED}
    obj: Object = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": data}
    await world.client.apply(resource, obj, field_manager="tests")


async def until_text(releases: Releases, text: str, name: str = "web") -> float:
    async def check() -> bool:
        return await releases.text(name) == text

    return await eventually(check)


async def test_values_come_from_everywhere_and_are_followed(releases: Releases) -> None:
    await releases.offer(Chart())
    await make(releases, "ConfigMap", "values", {"values.yaml": "text: from a map\nother: {a: 1}\n"})
    await make(releases, "Secret", "secret", {"word": "s3cret, with a comma"})
    sources = [
        {"kind": "ConfigMap", "name": "values"},
        {"kind": "Secret", "name": "absent", "optional": True},
        {
            "kind": "Secret",
            "name": "secret",
            "valuesKey": "word",
            "targetPath": "other.word",
            "literal": True,
        },
    ]
    await releases.release(valuesFrom=sources)
    await releases.ready()
    assert await releases.text() == "from a map"
    record = await releases.record(1)
    assert record.config["other"] == {"a": 1, "word": "s3cret, with a comma"}
    await make(releases, "ConfigMap", "values", {"values.yaml": "text: changed\n"})
    await until_text(releases, "changed")


async def test_a_reference_that_is_missing_is_told(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release(valuesFrom=[{"kind": "Secret", "name": "absent"}])
    failed = await releases.failing("ValuesError")
    assert "'absent' not found" in condition(failed, "Ready")["message"]


async def test_drift_is_corrected_within_a_moment(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release(driftDetection={"mode": "enabled"})
    await releases.ready()
    world = releases.world
    await asyncio.sleep(0.5)  # the watch follows
    await world.client.patch(CONFIG_MAP, world.namespace, "web-config", {"data": {"text": "meddled"}})
    assert await until_text(releases, "hello") < 5
    await world.client.delete(CONFIG_MAP, world.namespace, "web-config")
    await until_text(releases, "hello")
    obj = await world.until(
        HELM_RELEASE, "web", lambda obj: condition(obj, "Drifted").get("reason") == "NoDriftDetected"
    )
    assert obj["status"]["history"][0]["version"] == 1
    assert "DriftCorrected" in await releases.reasons()


async def test_drift_is_only_told_or_ignored(releases: Releases) -> None:
    await releases.offer(Chart())
    rules = [{"paths": ["/data/revision"], "target": {"kind": "ConfigMap"}}]
    await releases.release(driftDetection={"mode": "warn", "ignore": rules})
    await releases.ready()
    world = releases.world
    await asyncio.sleep(0.5)
    ours = {"data": {"revision": "99"}}
    await world.client.patch(CONFIG_MAP, world.namespace, "web-config", ours)
    await world.request(HELM_RELEASE, "web")
    await asyncio.sleep(1)
    assert "DriftDetected" not in await releases.reasons()
    await world.client.patch(CONFIG_MAP, world.namespace, "web-config", {"data": {"text": "meddled"}})
    obj = await world.until(
        HELM_RELEASE, "web", lambda obj: condition(obj, "Drifted").get("status") == "True"
    )
    message = condition(obj, "Drifted")["message"]
    assert f"ConfigMap/{world.namespace}/web-config changed (0 additions, 1 changes, 0 removals)" in message
    assert condition(obj, "Ready")["status"] == "True"
    assert await releases.text() == "meddled"


async def test_dependencies_go_first(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release("second", dependsOn=[{"name": "first"}])
    await releases.failing("DependencyNotReady", "second")
    await releases.release("first")
    await releases.ready("second")
    expression = "dep.status.history[0].version == 1"
    await releases.release("third", dependsOn=[{"name": "first", "readyExpr": expression}])
    await releases.ready("third")


async def test_suspended_nothing_happens_and_nothing_is_uninstalled(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release()
    await releases.ready()
    await releases.change(suspend=True, values={"text": "later"})
    world = releases.world
    await world.request(HELM_RELEASE, "web")
    await asyncio.sleep(0.5)
    assert await releases.text() == "hello"
    await world.client.delete(HELM_RELEASE, world.namespace, "web")
    await world.gone("helm.toolkit.fluxcd.io/v2", "HelmRelease", "web")
    assert await releases.stored() == [(1, "deployed")]


async def test_a_new_name_moves_the_release(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release()
    await releases.ready()
    await releases.change(releaseName="other")
    await until_text(releases, "hello", "other")
    await releases.ready()
    assert await releases.stored() == []
    assert await releases.stored("other") == [(1, "deployed")]


async def test_force_makes_one_more_revision(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release()
    await releases.ready()
    world = releases.world
    annotations = {REQUESTED_AT: "again", "reconcile.fluxcd.io/forceAt": "again"}
    await world.client.patch(HELM_RELEASE, world.namespace, "web", {"metadata": {"annotations": annotations}})
    obj = await releases.at_version(2)
    assert obj["status"]["lastHandledForceAt"] == "again"
    await asyncio.sleep(0.3)
    assert len(await releases.stored()) == 2


async def test_rendered_objects_are_changed_as_asked(releases: Releases) -> None:
    await releases.offer(Chart())
    patch = '[{"op": "add", "path": "/data/more", "value": "yes"}]'
    renderer = {"kustomize": {"patches": [{"patch": patch, "target": {"kind": "ConfigMap"}}]}}
    await releases.release(postRenderers=[renderer], commonMetadata={"labels": {"team": "shop"}})
    await releases.ready()
    found = await releases.world.find("v1", "ConfigMap", "web-config")
    assert found is not None
    assert found["data"]["more"] == "yes"
    assert found["metadata"]["labels"]["team"] == "shop"
    assert found["metadata"]["labels"]["helm.toolkit.fluxcd.io/name"] == "web"
    await releases.change(commonMetadata={"labels": {"team": "bank"}})
    await releases.at_version(2)


async def test_an_account_without_rights_can_do_nothing(releases: Releases) -> None:
    world = releases.world
    await world.client.create(
        SERVICE_ACCOUNT,
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "nobody", "namespace": world.namespace},
        },
    )
    await releases.offer(Chart())
    await releases.release(serviceAccountName="nobody")
    failed = await releases.failing("StateError")
    assert f"system:serviceaccount:{world.namespace}:nobody" in condition(failed, "Ready")["message"]
    assert await releases.stored() == []


async def test_an_unchanged_release_costs_no_writes_and_no_render(
    releases: Releases, helm: ControllerProgram, cluster: Cluster, client: KubeClient
) -> None:
    if cluster.genuine:
        pytest.skip("others may write to a shared cluster meanwhile")
    await releases.offer(Chart())
    await releases.release(interval="1s")
    before = await releases.ready()
    await asyncio.sleep(2.5)
    started = {method: helm.metric("rest_client_requests_total", method=method) for method in WRITES}
    await asyncio.sleep(2.5)
    ended = {method: helm.metric("rest_client_requests_total", method=method) for method in WRITES}
    assert ended == started
    after = await releases.world.get(HELM_RELEASE, "web")
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


WRITES = ("POST", "PUT", "PATCH", "DELETE")


async def test_definitions_go_first_and_stay(releases: Releases) -> None:
    world = releases.world
    group = f"{world.namespace}.example.com"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Widget", "listKind": "WidgetList", "plural": "widgets", "singular": "widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {"size": {"type": "integer"}},
                        }
                    },
                }
            ],
        },
    }
    stranger = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: stranger}\n"
    widget = f"apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: {{{{ .Release.Name }}}}}}\nsize: 3\n"
    asked = f'{{{{ if .Capabilities.APIVersions.Has "{group}/v1/Widget" }}}}{widget}{{{{ end }}}}'
    chart = Chart(
        files={"widget.yaml": asked},
        others={"crds/widget.yaml": yaml.safe_dump(definition), "crds/stranger.yaml": stranger},
    )
    await releases.offer(chart)
    await releases.release()
    obj = await releases.ready()
    ids = {entry["id"] for entry in obj["status"]["inventory"]["entries"]}
    assert ids == {
        f"{world.namespace}_web_{group}_Widget",
        f"_widgets.{group}_apiextensions.k8s.io_CustomResourceDefinition",
    }
    assert await world.find("v1", "ConfigMap", "stranger") is None
    await world.client.delete(HELM_RELEASE, world.namespace, "web")
    await world.gone("helm.toolkit.fluxcd.io/v2", "HelmRelease", "web")
    assert await world.find(f"{group}/v1", "Widget", "web") is None
    assert await world.client.find(CRD, "", f"widgets.{group}") is not None
    await world.client.delete(CRD, "", f"widgets.{group}")
