"""How Ready follows from what happened (specs/helm.md 10.4)."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.helm import conditions
from controllers.helm.requests import take_force, take_reset
from shared.model.helm import HelmRelease
from shared.model.meta import Object
from shared.runtime.report import Report
from tests.make import NOW
from tests.unit.controllers.helm.releases import helm_release

RELEASED = ("Released", "True", "UpgradeSucceeded", 2)
FAILED = ("Released", "False", "UpgradeFailed", 2)
TESTED = ("TestSuccess", "True", "TestSucceeded", 2)
UNTESTED = ("TestSuccess", "False", "TestFailed", 2)
REMEDIATED = ("Remediated", "True", "RollbackSucceeded", 2)


def report(obj: Object, *items: tuple[str, str, str, int], **status: Any) -> Report:
    obj["metadata"]["generation"] = 2
    obj["status"] = status | {
        "conditions": [
            {
                "type": kind,
                "status": state,
                "reason": reason,
                "message": f"{kind} it is",
                "observedGeneration": generation,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
            for kind, state, reason, generation in items
        ]
    }
    return Report(obj, writer=None, tell=lambda _event: None, now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("test", "items", "ready"),
    [
        pytest.param({}, [RELEASED], ("True", "UpgradeSucceeded"), id="released"),
        pytest.param({}, [RELEASED, UNTESTED], ("True", "UpgradeSucceeded"), id="tests are off"),
        pytest.param({"enable": True}, [RELEASED, TESTED], ("True", "TestSucceeded"), id="tested"),
        pytest.param({"enable": True}, [RELEASED, UNTESTED], ("False", "TestFailed"), id="a test failed"),
        pytest.param(
            {"enable": True, "ignoreFailures": True},
            [RELEASED, UNTESTED],
            ("True", "UpgradeSucceeded"),
            id="failures are ignored",
        ),
        pytest.param({}, [FAILED, REMEDIATED], ("False", "RollbackSucceeded"), id="rolled back"),
        pytest.param(
            {},
            [RELEASED, ("Remediated", "True", "RollbackSucceeded", 1)],
            ("True", "UpgradeSucceeded"),
            id="the newest generation counts",
        ),
    ],
)
def test_ready(test: dict[str, Any], items: list[Any], ready: tuple[str, str]) -> None:
    hr = HelmRelease.parse(obj := helm_release(test=test))
    found = report(obj, *items)
    conditions.summarise(hr, found)
    condition = found.conditions.find("Ready")
    assert condition is not None
    assert (condition.status, condition.reason) == ready
    assert (found.conditions.find("TestSuccess") is not None) == (
        bool(test.get("enable")) and any(item[0] == "TestSuccess" for item in items)
    )


def test_waiting_on_is_no_news() -> None:
    waiting = ("Reconciling", "True", "ProgressingWithRetry", 2)
    found = report(helm_release(), waiting)
    conditions.begin(found)
    first = found.conditions.find("Reconciling")
    conditions.begin(found)
    assert found.conditions.find("Reconciling") == first


def test_success_ends_a_stall() -> None:
    hr = HelmRelease.parse(obj := helm_release())
    found = report(obj, RELEASED, ("Stalled", "True", "RetriesExceeded", 1))
    conditions.summarise(hr, found)
    assert found.conditions.find("Stalled") is None


def test_rendering_is_compared_only_after_a_change_of_the_spec() -> None:
    hr = HelmRelease.parse(obj := helm_release(commonMetadata={"labels": {"a": "b"}}))
    seen = conditions.rendering_digests(hr)
    assert conditions.rendering_change(hr, report(obj, observedGeneration=2)) == ""
    assert (
        conditions.rendering_change(hr, report(obj, observedGeneration=1))
        == "common metadata digest has changed"
    )
    assert conditions.rendering_change(hr, report(obj, observedGeneration=1, **seen)) == ""


def test_a_failure_that_was_got_over_is_forgotten() -> None:
    found = report(helm_release(), FAILED, ("Ready", "False", "UpgradeFailed", 2))
    assert conditions.clear_failure(found, "well again")
    released = found.conditions.find("Released")
    assert released is not None
    assert (released.reason, released.message) == ("UpgradeSucceeded", "well again")
    assert not conditions.clear_failure(found, "again")


@pytest.mark.parametrize(
    ("annotations", "status", "honoured"),
    [
        ({"forceAt": "a", "requestedAt": "a"}, {}, True),
        ({"forceAt": "a", "requestedAt": "b"}, {}, False),
        ({"forceAt": "a"}, {}, False),
        ({"forceAt": "a", "requestedAt": "a"}, {"lastHandledReconcileAt": "a"}, False),
        ({"forceAt": "a", "requestedAt": "a"}, {"lastHandledForceAt": "a"}, False),
    ],
)
def test_requests_are_good_for_once(
    annotations: dict[str, str], status: dict[str, str], honoured: bool
) -> None:
    obj = helm_release()
    obj["metadata"]["annotations"] = {
        f"reconcile.fluxcd.io/{key}": value for key, value in annotations.items()
    }
    found = report(obj, **status)
    assert take_force(found) is honoured
    assert found.status["lastHandledForceAt"] == "a"
    assert not take_force(found)
    assert not take_reset(found)
    assert "lastHandledResetAt" not in found.status
