"""When is a request answered, and when has it failed (specs/cli.md 2.4, 4)?"""

from __future__ import annotations

from typing import Any

import pytest

from cli.waiting import NotReconciled, is_answered, is_ready


def an_object(ready: str, reason: str = "Any", *, handled: str = "new", **status: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready, "reason": reason, "message": "the message"}]
    conditions += [
        {"type": kind, "status": "True", "reason": why, "message": "busy"}
        for kind, why in status.pop("more", {}).items()
    ]
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "web", "generation": 2},
        "status": {"observedGeneration": 2, "lastHandledReconcileAt": handled, "conditions": conditions}
        | status,
    }


@pytest.mark.parametrize(
    ("obj", "answered"),
    [
        (an_object("True"), True),
        (an_object("True", handled="old"), False),
        (an_object("False", handled="old"), False),
        (an_object("Unknown", more={"Reconciling": "Progressing"}), False),
        (an_object("False", more={"Reconciling": "Progressing"}), False),
        (an_object("False", "DependencyNotReady", more={"Reconciling": "ProgressingWithRetry"}), False),
        (an_object("True", observedGeneration=1), False),
    ],
)
def test_answered(obj: dict[str, Any], answered: bool) -> None:
    assert is_answered(obj, "old") is answered


@pytest.mark.parametrize(
    "obj",
    [
        an_object("False", "BuildFailed", more={"Reconciling": "ProgressingWithRetry"}),
        an_object("False", "BuildFailed", observedGeneration=1, more={"Reconciling": "ProgressingWithRetry"}),
        an_object("False", "BuildFailed"),
    ],
)
def test_an_attempt_that_failed_is_not_waited_for(obj: dict[str, Any]) -> None:
    with pytest.raises(NotReconciled, match="the message"):
        is_answered(obj, "old")


def test_a_stalled_object_says_why() -> None:
    with pytest.raises(NotReconciled, match="busy"):
        is_answered(an_object("False", more={"Stalled": "InvalidSpec"}), "old")


def test_an_object_that_no_controller_has_seen_is_not_ready() -> None:
    assert not is_ready({"apiVersion": "a/v1", "kind": "Kustomization", "metadata": {"generation": 1}})
    assert is_ready(an_object("True"))
