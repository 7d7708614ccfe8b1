"""Kinds with two faces: what one face writes, the other reads, and nothing is lost on the way back."""

from hypothesis import given
from hypothesis import strategies as st

from localcluster.conversion.autoscalers import to_v1, to_v2
from localcluster.conversion.events import from_core, to_core

METRICS = st.lists(
    st.sampled_from(
        [
            {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue"}}},
            {"type": "Resource", "resource": {"name": "memory", "target": {"averageUtilization": 70}}},
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue"}}},
        ]
    ),
    max_size=3,
)
CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
}


@given(METRICS, st.booleans(), st.booleans())
def test_an_autoscaler_survives_the_old_version(metrics, with_cpu, with_behavior) -> None:
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"maxReplicas": 3, "metrics": [CPU, *metrics] if with_cpu else metrics},
        "status": {"currentReplicas": 1},
    }
    if not scaler["spec"]["metrics"]:
        del scaler["spec"]["metrics"]
    if with_behavior:
        scaler["spec"]["behavior"] = {"scaleDown": {"stabilizationWindowSeconds": 1}}
    old = to_v1(scaler)
    assert old["apiVersion"] == "autoscaling/v1"
    assert old["spec"].get("targetCPUUtilizationPercentage") == (60 if with_cpu else None)
    assert to_v2(old) == scaler


def test_an_event_says_the_same_in_both_apis() -> None:
    core = {"apiVersion": "v1", "kind": "Event", "message": "m", "involvedObject": {"name": "x"}, "count": 2}
    new = from_core(core)
    assert new["note"] == "m"
    assert new["regarding"] == {"name": "x"}
    assert new["deprecatedCount"] == 2
    assert to_core(new) == core
