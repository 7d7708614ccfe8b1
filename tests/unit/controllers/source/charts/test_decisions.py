"""The small decisions of the chart kinds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controllers.source.charts.build import Build, reusable, with_metadata
from controllers.source.charts.dependencies import normalized
from controllers.source.charts.helm_repository import human_size
from controllers.source.charts.index_cache import FULL, HIT, MISS, IndexCache
from controllers.source.charts.index_charts import chart_url
from controllers.source.charts.repository_access import basic_of, index_url, require_http
from controllers.source.charts.source_build import metadata_of
from controllers.source.tree_path import inside
from shared.charts.version_choice import ChartVersion
from shared.logic.secret import Secret, SecretUnusable
from shared.model.artifact import Artifact
from shared.model.helm_source import HelmChart, ReconcileStrategy
from shared.runtime.failure import Failure, Stalled


def chart(**spec: Any) -> HelmChart:
    obj = {
        "metadata": {"namespace": "apps", "name": "app", "generation": 4},
        "spec": {
            "chart": "app",
            "interval": "1h",
            "sourceRef": {"kind": "GitRepository", "name": "x"},
            **spec,
        },
        "status": {"observedGeneration": 4, "observedChartName": "app"},
    }
    return HelmChart.parse(obj)


STORED = Artifact("u", "p", "1.0.0", "sha256:" + "0" * 64)


@pytest.mark.parametrize(
    ("version", "metadata", "expected"),
    [
        ("1.2.3", "", "1.2.3"),
        ("1.2.3-rc.1+old", "new.4", "1.2.3-rc.1+new.4"),
        ("v1.2", "7", "1.2.0+7"),
    ],
)
def test_build_metadata(version: str, metadata: str, expected: str) -> None:
    assert with_metadata(version, metadata) == expected


def test_a_version_that_takes_none() -> None:
    with pytest.raises(Stalled) as caught:
        with_metadata("newest", "1")
    assert caught.value.reason == "MetadataPatchError"


REVISION = "main@sha1:0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ""),
        ({"reconcileStrategy": "Revision"}, "0123456789ab"),
        ({"valuesFiles": ["a.yaml"]}, "4"),
        ({"reconcileStrategy": "Revision", "valuesFiles": ["a.yaml"]}, "0123456789ab.4"),
        ({"valuesFiles": ["values.yaml"]}, ""),
    ],
)
def test_metadata_of_a_source(spec: dict[str, Any], expected: str) -> None:
    assert metadata_of(chart(**spec), REVISION) == expected


def test_when_the_stored_chart_is_the_one() -> None:
    known = reusable(chart(), STORED, "app", "1.0.0", packaged=False)
    assert known == Build("app", "1.0.0", packaged=False)
    assert reusable(chart(), None, "app", "1.0.0", packaged=False) is None
    assert reusable(chart(), STORED, "app", "1.0.1", packaged=False) is None
    assert reusable(chart(), STORED, "other", "1.0.0", packaged=False) is None
    changed = replace(chart(), observed_generation=3)
    assert reusable(changed, STORED, "app", "1.0.0", packaged=False) is None
    observed = replace(chart(valuesFiles=["a", "b"]), observed_values_files=("b",))
    found = reusable(observed, STORED, "app", "1.0.0", packaged=True)
    assert found is not None
    assert found.values_files == ("b",)


def test_summaries() -> None:
    assert Build("app", "1.0.0", packaged=False).summary == "pulled 'app' chart with version '1.0.0'"
    merged = Build("app", "1.0.0+1", packaged=True, values_files=("a", "b"))
    assert merged.summary == "packaged 'app' chart with version '1.0.0+1' and merged values files [a b]"


@pytest.mark.parametrize(
    ("home", "url", "expected"),
    [
        ("https://x/charts", "a-1.tgz", "https://x/charts/a-1.tgz"),
        ("https://x/charts/", "sub/a-1.tgz", "https://x/charts/sub/a-1.tgz"),
        ("https://x/charts", "/a-1.tgz", "https://x/a-1.tgz"),
        ("https://x/charts", "../a-1.tgz", "https://x/a-1.tgz"),
        ("https://x/charts?token=1&b=2", "a-1.tgz?c=3", "https://x/charts/a-1.tgz?token=1&b=2"),
        ("https://x/charts", "a-1.tgz?c=3", "https://x/charts/a-1.tgz?c=3"),
        ("https://x/charts", "https://y/a-1.tgz", "https://y/a-1.tgz"),
        ("https://x/charts", "//y/a-1.tgz", "https://y/a-1.tgz"),
    ],
)
def test_where_a_chart_is(home: str, url: str, expected: str) -> None:
    assert chart_url(home, ChartVersion("a", "1", (url, "other"), "")) == expected


@pytest.mark.parametrize("urls", [(), ("http://[::1",)])
def test_charts_that_are_nowhere(urls: tuple[str, ...]) -> None:
    with pytest.raises(Failure) as caught:
        chart_url("https://x", ChartVersion("a", "1", urls, ""))
    assert caught.value.reason == "ChartPullError"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x", "https://x/index.yaml"),
        ("https://x/a//", "https://x/a/index.yaml"),
        ("https://x/a?token=1#y", "https://x/a/index.yaml?token=1"),
    ],
)
def test_where_an_index_is(url: str, expected: str) -> None:
    assert index_url(url) == expected


@pytest.mark.parametrize("url", ["oci://x/y", "ftp://x", "https://", "http://[::1", "http://x:99999", "x"])
def test_urls_that_cannot_work(url: str) -> None:
    with pytest.raises(Stalled) as caught:
        require_http(url)
    assert caught.value.reason == "URLInvalid"


@pytest.mark.parametrize("data", [{"username": b"ada"}, {"password": b"x"}])
def test_half_a_login_is_none(data: dict[str, bytes]) -> None:
    with pytest.raises(SecretUnusable):
        basic_of(Secret("ns/x", data))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x//", "https://x/"),
        ("https://x", "https://x/"),
        ("oci://x/y/", "oci://x/y"),
        ("oci://x/y", "oci://x/y"),
    ],
)
def test_the_same_repository(url: str, expected: str) -> None:
    assert normalized(url) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [("./a/b/", ("a", "b")), ("a/../../b", ("b",)), ("/../..", ()), ("", ()), ("a//b", ("a", "b"))],
)
def test_paths_stay_inside(path: str, expected: tuple[str, ...]) -> None:
    assert inside(path) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0B"), (999, "999B"), (30_880, "30.88kB"), (52_428_800, "52.43MB"), (3_000_000_000, "3GB")],
)
def test_sizes_for_people(size: int, expected: str) -> None:
    assert human_size(size) == expected


def test_the_cache_is_bounded_and_forgets() -> None:
    clock = [0.0]
    cache = IndexCache(1, timedelta(seconds=10), timedelta(seconds=1), lambda: clock[0])
    found, told = ChartVersion("a", "1", (), ""), list[str]()
    one, two = ("i", "a", "*"), ("i", "b", "*")
    assert cache.find(one, told.append) is None
    cache.keep(one, found, told.append)
    cache.keep(two, found, told.append)
    clock[0] = 9
    assert cache.find(one, told.append) is found
    clock[0] = 18
    assert cache.find(one, told.append) is found
    clock[0] = 29
    assert cache.find(one, told.append) is None
    cache.keep(two, found, told.append)
    assert cache.find(two, told.append) is found
    assert told == [MISS, FULL, HIT, HIT, MISS, HIT]


def test_no_cache_at_all() -> None:
    cache, told = IndexCache(0, timedelta(1), timedelta(1)), list[str]()
    cache.keep(("i", "a", "*"), ChartVersion("a", "1", (), ""), told.append)
    assert cache.find(("i", "a", "*"), told.append) is None
    assert told == []


def test_strategies_and_files_of_the_spec() -> None:
    found = chart(reconcileStrategy="Revision", valuesFiles=["values.yaml"])
    assert found.strategy is ReconcileStrategy.REVISION
    assert found.values_files == ()
