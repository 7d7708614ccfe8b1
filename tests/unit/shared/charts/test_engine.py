"""The engine end to end: a chart in a file, a worker process, a release. What Helm does is compared elsewhere."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.charts.capabilities import Capabilities
from shared.charts.engine import Engine, LookupAnswer, LookupFailed, RenderRequest
from shared.charts.errors import (
    ChartError,
    EngineFailed,
    InvalidChart,
    InvalidValues,
    RenderedTooBig,
    RenderFailed,
    RenderOutOfMemory,
    RenderTimedOut,
)
from shared.charts.pool import Limits
from shared.charts.values import ValuesPart, compose
from tests.charts import FILES, about, packed, written

pytest.importorskip("helm_python", reason="the Helm library is not installed (extra 'helm')")

CLUSTER = Capabilities("v1.34.2-gke.7", frozenset({"v1", "apps/v1", "apps/v1/Deployment"}))
TEMPLATE = "templates/a.yaml"


# One engine for all tests of this file, as a worker takes a while to start; so they share an event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(size=1)
    async with engine.serve():
        yield engine


def request(folder: Path, files: FILES, **more: Any) -> RenderRequest:
    chart = written(folder, {"Chart.yaml": about(), **files})
    return RenderRequest(chart, "demo", "shop", more.pop("capabilities", CLUSTER), **more)


async def text(engine: Engine, folder: Path, template: str, **more: Any) -> str:
    """What one template renders to, as the value of `a`."""
    rendered = await engine.render(request(folder, {TEMPLATE: f"a: {{{{ {template} }}}}"}, **more))
    return rendered.manifest.partition("\na: ")[2].rstrip()


def workers() -> set[int]:
    """Process ids of all living children that render."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    named = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return {pid for pid, line in named.items() if b"shared.charts.worker" in line}


async def test_release_and_user_values_reach_the_templates(engine: Engine, tmp_path: Path) -> None:
    template = 'printf "%s/%s %v %t %s" .Release.Namespace .Release.Name .Release.Revision .Release.IsUpgrade .Values.x'
    more = {"values": {"x": "y"}, "revision": 7, "is_upgrade": True}
    assert await text(engine, tmp_path, template, **more) == "shop/demo 7 true y"


async def test_a_chart_is_as_new_for_each_render(engine: Engine, tmp_path: Path) -> None:
    files = {
        "Chart.yaml": about(more="dependencies:\n- {name: part, version: 1.x, condition: part.enabled}\n"),
        "charts/part/Chart.yaml": about("part"),
        "charts/part/templates/b.yaml": "kind: Part",
    }
    without = await engine.render(request(tmp_path, files, values={"part": {"enabled": False}}))
    with_it = await engine.render(request(tmp_path, files, values={"part": {"enabled": True}}))
    assert ("kind: Part" in without.manifest, "kind: Part" in with_it.manifest) == (False, True)


async def test_a_directory_renders_as_its_package_does(engine: Engine, tmp_path: Path) -> None:
    wanted = request(tmp_path, {TEMPLATE: "kind: A"})
    (tmp_path / "web" / "templates").mkdir(parents=True)
    (tmp_path / "web" / "Chart.yaml").write_text(about())
    (tmp_path / "web" / TEMPLATE).write_text("kind: A")
    from_file = await engine.render(wanted)
    from_folder = await engine.render(replace(wanted, chart=tmp_path / "web"))
    assert from_folder.manifest == from_file.manifest


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        pytest.param("v1", "true", id="the core version"),
        pytest.param("apps/v1/Deployment", "true", id="a kind that is served"),
        pytest.param("storage.k8s.io/v1alpha1", "false", id="the engine knows it, the cluster does not"),
        pytest.param("example.com/v1", "false", id="neither knows it"),
    ],
)
async def test_api_versions_are_the_clusters(
    engine: Engine, tmp_path: Path, version: str, expected: str
) -> None:
    assert await text(engine, tmp_path, f'.Capabilities.APIVersions.Has "{version}"') == expected
    indirectly = f'$v := "{version}" }}}}{{{{ .Capabilities.APIVersions.Has $v'
    assert await text(engine, tmp_path, indirectly) == expected


async def test_without_a_cluster_the_engines_own_list_counts(engine: Engine, tmp_path: Path) -> None:
    offline = Capabilities("v1.34.0", frozenset({"example.com/v1"}), exact=False)
    for version in ("apps/v1", "example.com/v1"):
        question = f'.Capabilities.APIVersions.Has "{version}"'
        assert await text(engine, tmp_path, question, capabilities=offline) == "true"


async def test_a_masked_chart_keeps_what_can_be_asked_of_its_cluster(engine: Engine, tmp_path: Path) -> None:
    child = (
        'k: {{ has "apps/v1" .Capabilities.APIVersions }} {{ has "storage.k8s.io/v1" .Capabilities.APIVersions }} '
        "{{ .Capabilities.KubeVersion.GitVersion }} {{ .Capabilities.KubeVersion.Version }} "
        "{{ .Capabilities.KubeVersion.Major }} {{ .Capabilities.KubeVersion.Minor }} "
        '{{ semverCompare ">=4.2-0" .Capabilities.HelmVersion.Version }} {{ tpl "{{ len .Capabilities.APIVersions }}" . }}'
    )
    files = {
        "charts/part/Chart.yaml": about("part"),
        "charts/part/templates/deep/er/b.yaml": child,
        "charts/packed.tgz": packed({"Chart.yaml": about("packed"), "templates/c.yaml": child}, "packed"),
        TEMPLATE: child,
    }
    rendered = await engine.render(request(tmp_path, files))
    lines = [line for line in rendered.manifest.splitlines() if line.startswith("k: ")]
    assert lines == ["k: true false v1.34.2-gke.7 v1.34.2-gke.7 1 34 true 3"] * 3
    assert len(rendered.chart["templates"]) == 1


async def test_numbers_of_a_target_path_stay_integers(engine: Engine, tmp_path: Path) -> None:
    """As with --set; all others are floats in Helm, and are printed as such."""
    paths = ["top", "a.b.c", "part.id", "global.id", 'odd."key\\.\n}}', "list[0].id"]
    values = compose(
        [ValuesPart("123456789012", path) for path in paths], {"other": 123456789012, "list": [{}]}
    )
    show = "k: {{ %s }} {{ typeOf %s }}"
    files = {
        TEMPLATE: "\n---\n".join(
            show % (path, path)
            for path in (".Values.top", ".Values.a.b.c", ".Values.other", "(index .Values.list 0).id",
                         ".Values.part.id", '(index .Values.odd "\\"key.\\n}}")')
        ),
        "charts/part/Chart.yaml": about("part"),
        "charts/part/templates/b.yaml": f"{show % ('.Values.id', '.Values.id')}\n---\n"
        f"{show % ('.Values.global.id', '.Values.global.id')}",
    }  # fmt: skip
    rendered = await engine.render(request(tmp_path, files, values=values))
    whole, fraction = "k: 123456789012 int64", "k: 1.23456789012e+11 float64"
    lines = [line for line in rendered.manifest.splitlines() if line.startswith("k: ")]
    assert sorted(lines) == sorted([fraction] + [whole] * 7)


async def test_a_path_that_no_longer_fits_is_left_alone(engine: Engine, tmp_path: Path) -> None:
    values = compose([ValuesPart("5", "part.a.b"), ValuesPart("5", "gone.x")], {})
    files = {
        "Chart.yaml": about(
            more="dependencies:\n- {name: part, version: 1.x, import-values: [{child: a, parent: gone}]}\n"
        ),
        "charts/part/Chart.yaml": about("part"),
        "charts/part/values.yaml": "a: text\n",
        TEMPLATE: "k: {{ .Values.gone.x }}",
    }
    assert "k: 5" in (await engine.render(request(tmp_path, files, values=values))).manifest


async def test_the_version_of_the_chart_can_be_another(engine: Engine, tmp_path: Path) -> None:
    wanted = request(tmp_path, {TEMPLATE: "a: {{ .Chart.Version }}"}, chart_version="1.2.3+abcdef012345")
    rendered = await engine.render(wanted)
    assert "a: 1.2.3+abcdef012345" in rendered.manifest
    assert rendered.chart["metadata"] == {"name": "web", "version": "1.2.3+abcdef012345", "apiVersion": "v2"}


async def test_the_version_of_no_chart_cannot_be_another(engine: Engine, tmp_path: Path) -> None:
    for broken in ("a: [", "- a", ""):
        with pytest.raises(InvalidChart, match=r"Chart\.yaml|metadata"):
            await engine.render(request(tmp_path, {"Chart.yaml": broken}, chart_version="1.0.0+x"))


async def test_a_schema_is_obeyed_or_skipped(engine: Engine, tmp_path: Path) -> None:
    schema = '{"properties": {"web": {"properties": {"replicas": {"type": "integer"}}}}}'
    wanted = request(
        tmp_path, {TEMPLATE: "kind: A", "values.schema.json": schema}, values={"web": {"replicas": "many"}}
    )
    with pytest.raises(InvalidValues, match=r"web: values\.web\.replicas: got string, want integer"):
        await engine.render(wanted)
    rendered = await engine.render(replace(wanted, skip_schema_validation=True))
    assert rendered.chart["schema"] is not None


@pytest.mark.parametrize(
    ("required", "fits"),
    [
        pytest.param(">=1.30.0", True, id="newer"),
        pytest.param(">=1.34.2", True, id="a vendor's suffix is no pre-release"),
        pytest.param("<1.30", False, id="older"),
        pytest.param("nonsense", False, id="no range"),
    ],
)
async def test_the_kubernetes_version_that_a_chart_requires(
    engine: Engine, tmp_path: Path, required: str, fits: bool
) -> None:
    wanted = request(
        tmp_path, {"Chart.yaml": about(more=f"kubeVersion: '{required}'\n"), TEMPLATE: "kind: A"}
    )
    if fits:
        assert "kind: A" in (await engine.render(wanted)).manifest
    else:
        with pytest.raises(RenderFailed, match="chart requires kubeVersion"):
            await engine.render(wanted)


class FakeCluster:
    """Answers lookups from a dict of paths; `asked` are the paths."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def __call__(self, path: str) -> LookupAnswer:
        self.asked.append(path)
        if path not in self._answers:
            return LookupAnswer(404, b'{"kind":"Status","apiVersion":"v1","reason":"NotFound","code":404}')
        return LookupAnswer(200, self._answers[path])


CORE = (
    b'{"kind":"APIResourceList","groupVersion":"v1","resources":['
    b'{"name":"configmaps","singularName":"","namespaced":true,"kind":"ConfigMap","verbs":["get","list"]}]}'
)


async def test_lookup_reads_the_cluster_through_the_reader(engine: Engine, tmp_path: Path) -> None:
    one = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"k":"live"}}'
    several = b'{"apiVersion":"v1","kind":"ConfigMapList","metadata":{},"items":[' + one + b"]}"
    cluster = FakeCluster(
        {
            "/api/v1": CORE,
            "/api/v1/namespaces/shop/configmaps/c": one,
            "/api/v1/namespaces/shop/configmaps": several,
        }
    )
    found = '(lookup "v1" "ConfigMap" "shop" "c").data.k'
    listed = 'len (lookup "v1" "ConfigMap" "shop" "").items'
    absent = 'lookup "v1" "ConfigMap" "shop" "none" | toJson | quote'

    assert await text(engine, tmp_path, found, lookup=cluster) == "live"
    assert await text(engine, tmp_path, listed, lookup=cluster) == "1"
    assert await text(engine, tmp_path, absent, lookup=cluster) == '"{}"'
    assert await text(engine, tmp_path, 'lookup "v1" "ConfigMap" "shop" "c" | toJson | quote') == '"{}"'


async def test_a_chart_without_lookup_asks_nobody(engine: Engine, tmp_path: Path) -> None:
    cluster = FakeCluster({})
    assert await text(engine, tmp_path, "1", lookup=cluster) == "1"
    assert cluster.asked == []


async def test_a_lookup_that_fails_fails_the_render(engine: Engine, tmp_path: Path) -> None:
    async def broken(path: str) -> LookupAnswer:
        if path == "/api/v1":
            return LookupAnswer(200, CORE)
        raise LookupFailed("the cluster is away")

    async def forbidden(path: str) -> LookupAnswer:
        if path == "/api/v1":
            return LookupAnswer(200, CORE)
        body = b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"no"}'
        return LookupAnswer(403, body)

    with pytest.raises(RenderFailed, match="error calling lookup"):
        await text(engine, tmp_path, 'lookup "v1" "ConfigMap" "shop" "c"', lookup=broken)
    with pytest.raises(RenderFailed, match="error calling lookup: no"):
        await text(engine, tmp_path, 'lookup "v1" "ConfigMap" "shop" "c"', lookup=forbidden)


async def test_dns_is_asked_only_where_allowed(engine: Engine, tmp_path: Path) -> None:
    resolved = 'getHostByName "localhost" | quote'
    assert await text(engine, tmp_path, resolved) == '""'
    assert "1" in await text(engine, tmp_path, resolved, enable_dns=True)
    both = f'{resolved} }}}}{{{{ lookup "v1" "Pod" "" ""'
    with pytest.raises(RenderFailed, match="does not allow DNS"):
        await text(engine, tmp_path, both, enable_dns=True, lookup=FakeCluster({}))


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        pytest.param({TEMPLATE: "\na: {{ .Values.x.y.z }}"}, RenderFailed, r"web/templates/a.yaml:2:13: .*nil pointer", id="nil"),
        pytest.param({TEMPLATE: "a: {{ nope }}"}, RenderFailed, r'a\.yaml:1\): function "nope"', id="unknown function"),
        pytest.param({TEMPLATE: '{{ fail "not so" }}'}, RenderFailed, r"a\.yaml:1:3\): not so", id="fail"),
        pytest.param({TEMPLATE: '{{ required "give x" .Values.x }}'}, RenderFailed, "give x", id="required"),
        pytest.param({TEMPLATE: "a: ["}, RenderFailed, r"YAML parse error on web/templates/a\.yaml", id="broken YAML"),
        pytest.param({TEMPLATE: "- a"}, RenderFailed, r"YAML parse error on web/templates/a\.yaml", id="a list"),
        pytest.param({"Chart.yaml": "name: ["}, InvalidChart, "cannot load Chart.yaml", id="broken Chart.yaml"),
        pytest.param({"Chart.yaml": about("..")}, InvalidChart, "name", id="a name that is a path"),
        pytest.param({"Chart.yaml": about(version='"1.0.0\\e[31m"')}, InvalidChart, "version", id="escape codes"),
        pytest.param({"Chart.yaml": "apiVersion: v3\nname: web\nversion: 1.0.0\n"}, InvalidChart, "v2 is supported", id="v3"),
        pytest.param({"values.yaml": "a: ["}, InvalidChart, r"values\.yaml", id="broken values"),
        pytest.param({"values.schema.json": '{"$ref": "#"}'}, InvalidValues, "reference cycle", id="a schema of itself"),
        pytest.param(
            {"values.schema.json": '{"x": {"$id": "http://10.0.0.1/"}, "$ref": "http://10.0.0.1/"}'},
            InvalidValues, "proxyconnect", id="a schema that pretends to have what it refers to",
        ),
        pytest.param({TEMPLATE: '{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}'}, RenderFailed, "nested reference", id="endless include"),
        pytest.param({TEMPLATE: "{{ range until 20002 }}---\na: b\n{{ end }}"}, RenderedTooBig, "documents", id="too many documents"),
        pytest.param({TEMPLATE: 'a: {{ repeat 20000000 "x" }}'}, RenderedTooBig, "renders to 19 MiB", id="too much text"),
        pytest.param({TEMPLATE: 'a: {{ repeat 20000000000 "x" }}'}, RenderOutOfMemory, "more memory", id="20 GB"),
        pytest.param({TEMPLATE: "{{ range until 1000000000 }}{{ end }}"}, RenderOutOfMemory, "more memory", id="a long range"),
        pytest.param({TEMPLATE: "a: &a [x,x,x,x,x,x,x,x]\n" + "".join(
            f"{n}: &{n} [*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p}]\n" for p, n in zip("abcdefg", "bcdefgh", strict=True)
        )}, RenderFailed, "excessive aliasing", id="billion laughs"),
        pytest.param({TEMPLATE: "a: " + "[" * 20000 + "]" * 20000}, RenderFailed, "max depth", id="deep YAML"),
    ],
)  # fmt: skip
async def test_a_bad_chart_fails_by_its_name_and_the_next_renders(
    engine: Engine, tmp_path: Path, files: FILES, error: type[ChartError], message: str
) -> None:
    with pytest.raises(error, match=message) as failed:
        await engine.render(request(tmp_path, files))
    assert len(str(failed.value)) < 3000
    assert await text(engine, tmp_path, "2") == "2"


async def test_a_runaway_is_stopped_in_time(engine: Engine, tmp_path: Path) -> None:
    forever = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
    with pytest.raises(RenderTimedOut, match=r"longer than 0\.5s"):
        await engine.render(request(tmp_path, {TEMPLATE: forever}, timeout=timedelta(seconds=0.5)))
    assert workers() == set()
    assert await text(engine, tmp_path, "2") == "2"


async def test_a_caller_who_leaves_takes_the_worker_along(engine: Engine, tmp_path: Path) -> None:
    forever = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
    assert await text(engine, tmp_path, "2") == "2"
    task = asyncio.create_task(engine.render(request(tmp_path, {TEMPLATE: forever})))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert workers() == set()


async def test_a_worker_knows_no_secrets_and_dies_with_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/etc/kubeconfig")
    monkeypatch.setenv("A_SECRET", "hunter2")
    before = workers()
    engine = Engine(size=1)
    async with engine.serve():
        assert await text(engine, tmp_path, "2") == "2"
        (pid,) = workers() - before
        environment = Path(f"/proc/{pid}/environ").read_text()
    assert "KUBECONFIG" not in environment
    assert "hunter2" not in environment
    assert workers() == before


async def test_an_idle_worker_ends(tmp_path: Path) -> None:
    before = workers()
    engine = Engine(size=1, idle=timedelta(seconds=0.1))
    async with engine.serve():
        assert await text(engine, tmp_path, "2") == "2"
        assert len(workers() - before) == 1
        async with asyncio.timeout(5):
            while workers() != before:
                await asyncio.sleep(0.02)
        assert await text(engine, tmp_path, "2") == "2"


async def test_a_worker_that_died_while_idle_is_replaced(tmp_path: Path) -> None:
    before = workers()
    engine = Engine(size=1)
    async with engine.serve():
        assert await text(engine, tmp_path, "2") == "2"
        (pid,) = workers() - before
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            while workers() != before:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)
        assert await text(engine, tmp_path, "2") == "2"


async def test_a_worker_that_has_grown_is_not_kept(tmp_path: Path) -> None:
    before = workers()
    engine = Engine(size=1, limits=Limits(keep_bytes=1))
    async with engine.serve():
        assert await text(engine, tmp_path, "2") == "2"
        assert workers() == before


async def test_an_engine_that_cannot_start_says_so(tmp_path: Path) -> None:
    engine = Engine(size=1, limits=Limits(memory_bytes=1))
    async with engine.serve():
        with pytest.raises(EngineFailed, match="does not start"):
            await engine.render(request(tmp_path, {TEMPLATE: "a: b"}))


async def test_values_that_are_no_json_are_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(InvalidValues, match="cannot be passed"):
        await text(engine, tmp_path, "1", values={"x": object()})
    with pytest.raises(InvalidValues, match="larger than"):
        await text(engine, tmp_path, "1", values={"x": "y" * (17 * 2**20)})


async def test_a_cluster_without_a_version_is_no_fault_of_the_chart(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="version"):
        await text(engine, tmp_path, "1", capabilities=Capabilities("unheard-of", frozenset()))


async def test_a_missing_chart_is_an_invalid_one(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(InvalidChart, match="No such file"):
        await engine.render(RenderRequest(tmp_path / "none.tgz", "demo", "shop", CLUSTER))


async def test_the_controllers_process_never_loads_the_library() -> None:
    script = "import sys, shared.charts.engine; print('helm_python' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"
