import pytest

from shared.logic.drift import fingerprint, has_drifted
from shared.model.meta import Object

LIVE: Object = {
    "kind": "Widget",
    "metadata": {"name": "x", "resourceVersion": "7", "labels": {"a": "b"}, "managedFields": []},
    "spec": {"n": 1, "list": [1, 2]},
    "status": {"phase": "up"},
}

CASES = {
    "the same": ({}, False),
    "another status": ({"status": {}}, False),
    "another resource version": ({"metadata": {"labels": {"a": "b"}, "resourceVersion": "8"}}, False),
    "no annotations against empty ones": ({"metadata": {"labels": {"a": "b"}, "annotations": {}}}, False),
    "another label": ({"metadata": {"labels": {"a": "c"}}}, True),
    "a new annotation": ({"metadata": {"labels": {"a": "b"}, "annotations": {"x": "y"}}}, True),
    "another spec": ({"spec": {"n": 2, "list": [1, 2]}}, True),
    "another order of keys": ({"spec": {"list": [1, 2], "n": 1}}, False),
    "another order in a list": ({"spec": {"n": 1, "list": [2, 1]}}, True),
    "true is not one": ({"spec": {"n": True, "list": [1, 2]}}, True),
    "a new top-level field": ({"data": {}}, True),
}


@pytest.mark.parametrize(("change", "expected"), CASES.values(), ids=CASES)
def test_drift(change: Object, expected: bool) -> None:
    assert has_drifted(LIVE, {**LIVE, **change}) is expected


def test_repeated_metrics_of_an_autoscaler_are_no_drift() -> None:
    metric = {"type": "Resource", "resource": {"name": "cpu"}}
    live = {**LIVE, "kind": "HorizontalPodAutoscaler", "spec": {"metrics": [metric]}}
    assert not has_drifted(live, {**live, "spec": {"metrics": [metric, metric]}})
    assert has_drifted(live, {**live, "spec": {"metrics": [metric, {"type": "Pods"}]}})


def test_fingerprints_tell_contents_apart() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert len({fingerprint({"a": 1}), fingerprint({"a": True}), fingerprint({"a": 1}, "force")}) == 3
