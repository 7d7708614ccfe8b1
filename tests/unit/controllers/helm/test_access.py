"""Whose sources, dependencies and values: refusals and waits, without a cluster where none is asked."""

from __future__ import annotations

import base64
from typing import Any, cast

import pytest

from controllers.helm.capabilities import Lookup, capabilities_of
from controllers.helm.chart_template import Templates
from controllers.helm.compose_values import values_of
from controllers.helm.dependencies import Dependants, Dependencies, is_ready
from controllers.helm.failures import AccessDenied, InvalidExpression, ValuesFailed
from controllers.helm.memory import Inputs, Interruption, Memories
from controllers.helm.settings import Settings
from controllers.helm.sources import Sources
from shared.kube.cache import Change
from shared.kube.client import KubeClient
from shared.kube.errors import ApiUnreachable, NotFound
from shared.model.helm import HelmRelease
from shared.model.meta import Object, ObjectKey
from shared.runtime.failure import Failure, Waiting
from tests.make import NOW
from tests.unit.controllers.helm.releases import helm_release
from tests.unit.controllers.helm.test_conditions import report

RUNTIME = Settings.from_process([], {}).runtime


class Shelf:
    """An API server that only has these answers, by path or by name."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    async def find(self, _resource: Any, _namespace: str, name: str) -> Object | None:
        return self.answers.get(name)

    async def get(self, _resource: Any, _namespace: str, name: str) -> Object:
        if name not in self.answers:
            raise NotFound(404, "NotFound", f"{name} not found")
        return cast(Object, self.answers[name])

    async def request(self, _method: str, path: str, **_rest: Any) -> Object:
        found = self.answers.get(path)
        if isinstance(found, Exception):
            raise found
        if found is None:
            raise NotFound(404, "NotFound", f"{path} not found")
        return cast(Object, found)


def shelf(**answers: Any) -> KubeClient:
    return cast(KubeClient, Shelf(**answers))


def release(**spec: Any) -> HelmRelease:
    return HelmRelease.parse(helm_release(**spec))


@pytest.mark.parametrize(
    ("ref", "locked", "told"),
    [
        ({"kind": "OCIRepository", "namespace": "other"}, True, "cross-namespace references are not allowed"),
        ({"kind": "ExternalArtifact"}, False, "ExternalArtifact feature gate is disabled"),
    ],
)
async def test_sources_out_of_reach(ref: dict[str, str], locked: bool, told: str) -> None:
    sources = Sources(shelf(), RUNTIME, no_cross_namespace_refs=locked)
    with pytest.raises(AccessDenied, match=told):
        await sources.find(release(chartRef={"name": "x"} | ref))


async def test_a_chart_in_another_namespace_is_refused_before_anything_is_written() -> None:
    source = {"kind": "HelmRepository", "name": "repo", "namespace": "other"}
    obj = helm_release(chart={"spec": {"chart": "x", "sourceRef": source}})
    templates = Templates(shelf(), no_cross_namespace_refs=True)
    with pytest.raises(Failure, match="cannot access HelmChart other/apps-web"):
        await templates.reconcile(HelmRelease.parse(obj), report(obj))


def dependency(ready: str = "True", observed: int = 1, **status: Any) -> Object:
    obj = helm_release(name="first")
    obj["status"] = status | {
        "observedGeneration": observed,
        "conditions": [{"type": "Ready", "status": ready}],
    }
    return obj


@pytest.mark.parametrize(
    ("found", "expression", "additive", "problem"),
    [
        pytest.param(dependency(), "", False, "", id="ready"),
        pytest.param(dependency("False"), "", False, "dependency 'apps/first' is not ready", id="not ready"),
        pytest.param(dependency(observed=0), "", False, "is not ready", id="behind"),
        pytest.param(None, "", False, "unable to get 'apps/first' dependency", id="absent"),
        pytest.param(
            dependency("False"), "dep.status.failures == 1", False, "is not ready: ", id="no such field"
        ),
        pytest.param(
            dependency("False", failures=1), "dep.status.failures == 1", False, "", id="by expression alone"
        ),
        pytest.param(
            dependency("False", failures=1), "dep.status.failures == 1", True, "is not ready", id="by both"
        ),
        pytest.param(
            dependency(failures=2),
            "dep.status.failures == 1",
            False,
            "according to readyExpr eval",
            id="unmet",
        ),
    ],
)
async def test_dependencies(found: Object | None, expression: str, additive: bool, problem: str) -> None:
    named = {"name": "first"} | ({"readyExpr": expression} if expression else {})
    obj = helm_release(dependsOn=[named])
    client = shelf(first=found) if found else shelf()
    check = Dependencies(client, requeue=RUNTIME.requeue_dependency, additive=additive)
    if not problem:
        await check.require_ready(HelmRelease.parse(obj), obj)
        return
    with pytest.raises(Waiting, match=problem):
        await check.require_ready(HelmRelease.parse(obj), obj)


async def test_an_expression_that_is_none_is_final() -> None:
    obj = helm_release(dependsOn=[{"name": "first", "readyExpr": "dep.("}])
    check = Dependencies(shelf(first=dependency()), requeue=RUNTIME.requeue_dependency, additive=False)
    with pytest.raises(InvalidExpression, match="terminally due to configuration error"):
        await check.require_ready(HelmRelease.parse(obj), obj)


def test_dependants_are_woken_by_readiness_alone() -> None:
    dependants, second = Dependants(), helm_release(name="second", dependsOn=[{"name": "first"}])
    key = ObjectKey("apps", "first")
    assert dependants.woken(Change(ObjectKey("apps", "second"), None, second)) == []
    assert dependants.woken(Change(key, dependency("False"), dependency("False"))) == []
    assert dependants.woken(Change(key, dependency("False"), dependency())) == [ObjectKey("apps", "second")]
    assert dependants.woken(Change(key, dependency(), dependency())) == []
    dependants.woken(Change(ObjectKey("apps", "second"), second, None))
    assert dependants.woken(Change(key, dependency("False"), dependency())) == []
    assert not is_ready(helm_release())


def config(**data: str) -> Object:
    return {"data": data}


def secret(**data: bytes) -> Object:
    return {"data": {key: base64.b64encode(value).decode() for key, value in data.items()}}


@pytest.mark.parametrize(
    ("refs", "told"),
    [
        pytest.param([{"name": "absent"}], "configmaps 'absent' not found", id="absent"),
        pytest.param([{"name": "map", "valuesKey": "no"}], "missing key 'no' in ConfigMap", id="no key"),
        pytest.param([{"name": "list"}], "the document is not a map", id="a list"),
        pytest.param([{"kind": "Secret", "name": "bytes", "valuesKey": "b"}], "not UTF-8", id="bytes"),
        pytest.param([{"kind": "Role", "name": "map"}], "unsupported ValuesReference kind", id="other kind"),
        pytest.param(
            [{"name": "map"}, {"name": "list"}], "reference 'apps/list'", id="the right one is named"
        ),
    ],
)
async def test_values_that_cannot_be_had(refs: list[dict[str, Any]], told: str) -> None:
    client = shelf(
        map=config(**{"values.yaml": "a: 1"}),
        list=config(**{"values.yaml": "[1]"}),
        bytes=secret(b=b"\xff\xfe"),
    )
    with pytest.raises(ValuesFailed, match=told):
        await values_of(release(valuesFrom=[{"kind": "ConfigMap"} | ref for ref in refs]), client)


async def test_values_are_composed_in_order_and_optional_ones_may_lack() -> None:
    client = shelf(map=config(**{"values.yaml": "a: 1\nb: {c: 2}"}), word=secret(w=b"x,y"))
    refs = [
        {"kind": "ConfigMap", "name": "map"},
        {"kind": "ConfigMap", "name": "absent", "optional": True},
        {"kind": "ConfigMap", "name": "map", "valuesKey": "absent", "optional": True},
        {"kind": "Secret", "name": "word", "valuesKey": "w", "targetPath": "b.d", "literal": True},
    ]
    hr = release(valuesFrom=refs, values={"a": 9})
    assert await values_of(hr, client) == {"a": 9, "b": {"c": 2, "d": "x,y"}}
    assert hr.values == {"a": 9}


async def test_a_server_that_tells_group_by_group_is_asked_so() -> None:
    client = shelf(
        **{
            "/version": {"gitVersion": "v1.34.1"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {
                "kind": "APIGroupList",
                "groups": [
                    {"versions": [{"groupVersion": "apps/v1"}]},
                    {"versions": [{"groupVersion": "broken/v1"}]},
                ],
            },
            "/api/v1": {"resources": [{"name": "pods", "kind": "Pod"}, {"name": "pods/log", "kind": "Pod"}]},
            "/apis/apps/v1": {"resources": [{"name": "deployments", "kind": "Deployment"}]},
            "/apis/broken/v1": ApiUnreachable("no backend"),
        }
    )
    found = await capabilities_of(client)
    assert found.kube_version == "v1.34.1"
    assert found.api_versions == {"v1", "v1/Pod", "apps/v1", "apps/v1/Deployment"}


async def test_lookup_passes_on_what_the_server_says() -> None:
    look = Lookup(shelf(**{"/api/v1/namespaces/apps": {"kind": "Namespace"}}))
    assert (await look("/api/v1/namespaces/apps")).status == 200
    missing = await look("/api/v1/namespaces/none")
    assert (missing.status, b'"code":404' in missing.body) == (404, True)


def test_what_is_remembered_counts_only_while_nothing_moves() -> None:
    memories = Memories(forgotten=lambda _key: None)
    memory, inputs = memories.of(ObjectKey("a", "b")), Inputs(1, "sha256:a", "sha256:b", "s@1")
    hour = Settings.from_process([], {}).full_check
    assert not memory.is_settled(inputs, NOW, hour)
    memory.settled, memory.checked = inputs, NOW
    assert memory.is_settled(inputs, NOW, hour)
    assert not memory.is_settled(Inputs(2, "sha256:a", "sha256:b", "s@1"), NOW, hour)
    assert not memory.is_settled(inputs, NOW + hour, hour)
    memory.drifted = True
    assert not memory.is_settled(inputs, NOW, hour)


def test_only_a_running_action_is_interrupted_and_the_first_trigger_is_told() -> None:
    memories, key = Memories(forgotten=lambda _key: None), ObjectKey("a", "b")
    memories.interrupt(key, "nobody listens")
    memory = memories.of(key)
    memory.interruption = Interruption()
    for trigger in ("HelmRelease/a/b", "OCIRepository/a/c"):
        memories.interrupt(key, trigger)
    assert memory.interruption.event.is_set()
    assert memory.interruption.trigger == "HelmRelease/a/b"
