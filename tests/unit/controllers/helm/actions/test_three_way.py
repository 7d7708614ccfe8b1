from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.helm.actions.three_way import merged

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment"}
SERVICE = {"apiVersion": "v1", "kind": "Service"}
WIDGET = {"apiVersion": "example.org/v1", "kind": "Widget"}


def pods(*containers: dict[str, Any]) -> dict[str, Any]:
    return {**DEPLOYMENT, "spec": {"template": {"spec": {"containers": list(containers)}}}}


def ports(*items: dict[str, Any]) -> dict[str, Any]:
    return {**SERVICE, "spec": {"ports": list(items)}}


@pytest.mark.parametrize(
    ("before", "after", "live", "result"),
    [
        pytest.param(
            {"data": {"a": "1", "b": "1"}},
            {"data": {"a": "2"}},
            {"data": {"a": "1", "b": "1", "foreign": "1"}, "status": {}},
            {"data": {"a": "2", "foreign": "1"}, "status": {}},
            id="what was dropped goes, what others set stays",
        ),
        pytest.param({}, {"a": {"b": 1}}, {"a": 5}, {"a": {"b": 1}}, id="another type"),
        pytest.param({"a": 1}, {"a": None}, {"a": 1}, {}, id="null takes away"),
        pytest.param(
            pods({"name": "a", "image": "1"}, {"name": "b"}),
            pods({"name": "a", "image": "2"}),
            pods(
                {"name": "a", "image": "1", "imagePullPolicy": "Always"},
                {"name": "b"},
                {"name": "sidecar"},
            ),
            pods({"name": "a", "image": "2", "imagePullPolicy": "Always"}, {"name": "sidecar"}),
            id="containers merge by name",
        ),
        pytest.param(
            ports({"port": 80}),
            ports({"port": 80, "name": "web"}, {"port": 81}),
            ports({"port": 80, "protocol": "TCP", "nodePort": 30000}),
            ports({"port": 80, "protocol": "TCP", "nodePort": 30000, "name": "web"}, {"port": 81}),
            id="a defaulted key does not hide an item",
        ),
        pytest.param(
            {**WIDGET, "spec": {"list": [1]}},
            {**WIDGET, "spec": {"list": [2]}},
            {**WIDGET, "spec": {"list": [1, 3], "foreign": 1}},
            {**WIDGET, "spec": {"list": [2], "foreign": 1}},
            id="lists of unknown kinds are replaced",
        ),
        pytest.param(
            {**SERVICE, "metadata": {"finalizers": ["old"]}},
            {**SERVICE, "metadata": {"finalizers": ["ours"]}},
            {**SERVICE, "metadata": {"finalizers": ["old", "foreign"]}},
            {**SERVICE, "metadata": {"finalizers": ["ours", "foreign"]}},
            id="sets of scalars are united",
        ),
    ],
)
def test_merged(
    before: dict[str, Any], after: dict[str, Any], live: dict[str, Any], result: dict[str, Any]
) -> None:
    assert merged(before, after, live) == result


json = st.recursive(
    st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abc"), below, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(["a", "b", "metadata", "spec", "data"]), json, max_size=4)


@given(objects, objects)
def test_an_object_that_nobody_else_touched_becomes_what_is_asked(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    before, after = {**WIDGET, **before}, {**WIDGET, **after}

    assert merged(before, after, before) == after


@given(objects, objects, objects)
def test_merging_again_changes_nothing(
    before: dict[str, Any], after: dict[str, Any], live: dict[str, Any]
) -> None:
    once = merged({**SERVICE, **before}, {**SERVICE, **after}, {**SERVICE, **live})

    assert merged({**SERVICE, **after}, {**SERVICE, **after}, once) == once
