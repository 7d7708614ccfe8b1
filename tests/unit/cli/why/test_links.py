"""What an object says of itself, and which link is the root cause."""

from __future__ import annotations

from typing import Any

import pytest

from cli.why.links import Link, Mark, judge, root_cause


def toolkit(ready: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "web", "namespace": "apps", "generation": 1},
        "spec": spec,
        "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", **ready}] if ready else []},
    }


def pod(**status: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": status}


FALSE = {"status": "False", "reason": "BuildFailed", "message": "a.yaml: bad\nline"}
PULL = {"name": "c", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
CRASH = {
    "name": "c",
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {"terminated": {"exitCode": 3}},
}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no cpu"}


@pytest.mark.parametrize(
    ("obj", "mark", "message"),
    [
        pytest.param(toolkit(suspend=True), Mark.BROKEN, "suspended", id="suspended"),
        pytest.param(toolkit(), Mark.WAITING, "no controller", id="no controller"),
        pytest.param(toolkit(FALSE), Mark.BROKEN, "BuildFailed: a.yaml: bad line", id="build"),
        pytest.param(
            toolkit({"status": "False", "reason": "DependencyNotReady"}),
            Mark.WAITING,
            "Dependency",
            id="waits",
        ),
        pytest.param(toolkit({"status": "True"}), Mark.GOOD, "ready", id="ready"),
        pytest.param(pod(containerStatuses=[PULL]), Mark.BROKEN, "ImagePullBackOff: no such", id="pull"),
        pytest.param(pod(containerStatuses=[CRASH]), Mark.BROKEN, "last exit status 3", id="crash"),
        pytest.param(pod(conditions=[UNSCHEDULED]), Mark.BROKEN, "Unschedulable: no cpu", id="unschedulable"),
        pytest.param(pod(phase="Running"), Mark.WAITING, "Running, not ready", id="unready"),
    ],
)
def test_a_link_says_what_is_the_matter(obj: dict[str, Any], mark: Mark, message: str) -> None:
    link = judge(obj)
    assert link.mark is mark
    assert message in link.message


def test_the_first_broken_link_is_the_cause_even_behind_one_that_waits() -> None:
    waits, first, second = (
        Link("a", Mark.WAITING, ""),
        Link("b", Mark.BROKEN, ""),
        Link("c", Mark.BROKEN, ""),
    )
    assert root_cause([waits, first, second]) is first
    assert root_cause([waits]) is waits
    assert root_cause([Link("d", Mark.GOOD, "")]) is None
