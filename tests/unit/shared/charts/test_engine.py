"""A chart in a file, a worker process, a release. What Helm does is compared elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shared.charts.capabilities import Capabilities
from shared.charts.engine import Engine, LookupAnswer, LookupFailed
from shared.charts.errors import InvalidChart, InvalidValues, RenderFailed
from shared.charts.values import ValuesPart, compose
from tests.charts import about, packed
from tests.unit.shared.charts.rendering import TEMPLATE, request, text

pytest.importorskip("helm_python", reason="the Helm library is not installed (extra 'helm')")
pytestmark = pytest.mark.asyncio(loop_scope="module")


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
