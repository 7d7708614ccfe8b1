"""Charts and records that mean no good: each ends in a condition, and a release beside them does not notice."""

from __future__ import annotations

import base64

import pytest

from controllers.helm.release.record import Info, Release, Status
from controllers.helm.release.storage import Storage
from shared.model.helm import shortened
from shared.model.kinds import CONFIG_MAP, SECRET
from shared.model.meta import Object
from tests.e2e.helm_release.charts import CONFIG_MAP as CONFIG
from tests.e2e.helm_release.charts import Chart
from tests.e2e.helm_release.words import Releases
from tests.e2e.processes import ControllerProgram
from tests.e2e.world import condition, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

RUNAWAY = "{{ range $i := until 2000000000 }}{{ $i }}{{ end }}"
ENDLESS = '{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}'
HUGE = '{{ repeat 1000000000 "abcdefghij" }}'
HOOK = """
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {helm.sh/hook: pre-install}
spec:
  suspend: true
  template:
    spec: {restartPolicy: Never, containers: [{name: a, image: registry.example.com/a:1}]}
"""
BOMB = "a: &a [x]\n" + "".join(f"b{n}: &b{n} [{'*a,' * 9}*a]\n" for n in range(9))
NO_KIND = "apiVersion: x.y/v1\nkind: Nope\nmetadata: {name: a}\n"


async def hostile(releases: Releases, name: str, chart: Chart, **spec: object) -> None:
    """A release of its own chart, with 3 s for everything."""
    await releases.offer(chart, name)
    ref = {"kind": "OCIRepository", "name": name}
    await releases.world.helm_release(name, **{"chartRef": ref, "timeout": "3s"} | spec)


async def test_runaways_are_stopped_and_others_do_not_wait(
    releases: Releases, helm: ControllerProgram
) -> None:
    for name, template in (("runaway", RUNAWAY), ("endless", ENDLESS), ("huge", HUGE)):
        await hostile(releases, name, Chart(files={"bad.yaml": template}))
    await hostile(releases, "hook", Chart(files={"config.yaml": CONFIG, "hook.yaml": HOOK}))
    await releases.offer(Chart())
    await releases.release()

    async def installed() -> bool:
        return await releases.text() == "hello"

    assert await eventually(installed, seconds=20) < 20
    for name in ("runaway", "endless", "huge"):
        failed = await releases.failing("InstallFailed", name)
        assert condition(failed, "Ready")["message"]
        assert await releases.stored(name) == []
    stuck = await releases.stalled("RetriesExceeded", "hook")
    assert "hook" in condition(stuck, "Ready")["message"]
    await hostile(releases, "after", Chart())
    await releases.ready("after")
    assert helm.alive


@pytest.mark.parametrize(
    ("name", "chart", "reason"),
    [
        ("climbing", Chart(name=".."), "ArtifactFailed"),
        ("escaping", Chart(version="1.0.0\x1b[31m"), "ArtifactFailed"),
        ("unparsable", Chart(files={"bad.yaml": "a: {{ .Values"}), "InstallFailed"),
        ("no-object", Chart(files={"bad.yaml": "- just\n- a list\n"}), "InstallFailed"),
        ("unknown-kind", Chart(files={"bad.yaml": NO_KIND}), "InstallFailed"),
        ("bomb", Chart(files={"bad.yaml": BOMB}), "InstallFailed"),
    ],
)
async def test_bad_charts(releases: Releases, name: str, chart: Chart, reason: str) -> None:
    await hostile(releases, name, chart)
    failed = await releases.failing(reason, name)
    message = condition(failed, "Ready")["message"]
    assert message
    assert "\x1b" not in message


async def test_an_index_that_would_fill_memory_is_refused(releases: Releases) -> None:
    world = releases.world
    await world.client.create(
        CONFIG_MAP,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "values", "namespace": world.namespace},
            "data": {"value": "1", "values.yaml": "a: [" * 500},
        },
    )
    ref = {"kind": "ConfigMap", "name": "values"}
    await hostile(
        releases, "index", Chart(), valuesFrom=[ref | {"valuesKey": "value", "targetPath": "a[99999]"}]
    )
    await releases.failing("ValuesError", "index")
    await hostile(releases, "deep", Chart(), valuesFrom=[ref])
    await releases.failing("ValuesError", "deep")


async def test_a_name_that_is_too_long_is_shortened(releases: Releases) -> None:
    name = "a-release-with-a-name-that-is-much-longer-than-helm-allows"
    await hostile(releases, name, Chart())
    ready = await releases.ready(name)
    assert ready["status"]["history"][0]["name"] == shortened(name)
    assert await releases.stored(shortened(name)) == [(1, "deployed")]


@pytest.mark.parametrize("content", ["", "H4sIAAAA", "{}", "e30="])
async def test_a_record_that_is_none(releases: Releases, content: str) -> None:
    world = releases.world
    labels = {"name": "web", "owner": "helm", "status": "deployed", "version": "1"}
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {"name": "sh.helm.release.v1.web.v1", "namespace": world.namespace, "labels": labels},
        "data": {"release": base64.b64encode(content.encode()).decode()},
    }
    await world.client.create(SECRET, secret)
    await releases.offer(Chart())
    await releases.release(interval="1s")
    stalled = await releases.stalled("StateError")
    assert "sh.helm.release.v1.web.v1" in condition(stalled, "Stalled")["message"]
    await world.client.delete(SECRET, world.namespace, "sh.helm.release.v1.web.v1")
    await releases.ready()


async def test_a_record_of_the_future_is_gone_on_from(releases: Releases) -> None:
    """Unknown fields are kept, and what is deployed is taken over."""
    world = releases.world
    info = Info(Status.DEPLOYED, "made in 2031", rest={"quantum": {"state": "both"}})
    chart = {"metadata": {"apiVersion": "v2", "name": "podinfo", "version": "0.1.0"}, "rings": 7}
    await Storage(world.client, world.namespace, "web").create(
        Release("web", world.namespace, 1, info, chart, {}, "", apply_method="telepathy")
    )
    await releases.offer(Chart())
    await releases.release()
    await releases.at_version(2)
    assert (await releases.record(1)).info.rest == {"quantum": {"state": "both"}}


async def test_an_object_of_nonsense_stops_nobody(releases: Releases) -> None:
    """What got past a schema, or is older than it."""
    await releases.offer(Chart())
    await releases.release("odd", values={"text": "x" * 200_000, "a": {"b": [None, 1e300, "\u202e"]}})
    await releases.release("self", dependsOn=[{"name": "self"}])
    await releases.failing("DependencyNotReady", "self")
    await releases.ready("odd")
    await releases.release()
    await releases.ready()
