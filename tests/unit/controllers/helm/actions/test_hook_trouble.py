from __future__ import annotations

from typing import Any

import pytest

from controllers.helm.actions.hook_trouble import job_trouble, pod_trouble


def pod(container: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    states = [{"name": "work", "state": container}] if container else []
    return {"status": {"containerStatuses": states, **status}}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        pytest.param(pod({"running": {}}, phase="Running"), "", id="running"),
        pytest.param(pod({"terminated": {"exitCode": 0}}, phase="Succeeded"), "", id="succeeded"),
        pytest.param(
            pod({"terminated": {"exitCode": 3, "reason": "Error"}}),
            "container work: exit code 3 (Error)",
            id="exit code",
        ),
        pytest.param(
            pod({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}),
            "container work: ImagePullBackOff: no such image",
            id="waiting",
        ),
        pytest.param(pod({"waiting": {"reason": "ContainerCreating"}}), "", id="on its way"),
        pytest.param(
            {"status": {"initContainerStatuses": [{"name": "init", "state": {"terminated": {"exitCode": 1}}}]}},
            "container init: exit code 1 (Error)",
            id="init container",
        ),
        pytest.param(
            pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]),
            "Unschedulable",
            id="not scheduled",
        ),
        pytest.param(pod(phase="Failed", reason="Evicted", message="no room"), "Evicted: no room", id="evicted"),
        pytest.param({"status": {"containerStatuses": "nonsense", "conditions": 5}}, "", id="nonsense"),
    ],
)  # fmt: skip
def test_pods(given: dict[str, Any], why: str) -> None:
    assert pod_trouble(given) == why


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        pytest.param([], "", id="running"),
        pytest.param([{"type": "Complete", "status": "True"}], "", id="complete"),
        pytest.param(
            [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too long"}],
            "DeadlineExceeded: too long",
            id="failed",
        ),
    ],
)
def test_jobs(conditions: list[dict[str, Any]], why: str) -> None:
    assert job_trouble({"status": {"conditions": conditions}}) == why
