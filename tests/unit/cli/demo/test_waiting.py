"""When the demo believes what it sees."""

from __future__ import annotations

from typing import Any

import pytest

from cli.demo.waiting import progress, ready_at

COMMIT = "8f3a2c1" + "0" * 33


def shop(ready: str = "True", *, revision: str = f"main@sha1:{COMMIT}", seen: int = 2) -> dict[str, Any]:
    return {
        "metadata": {"name": "shop", "generation": 2},
        "status": {
            "observedGeneration": seen,
            "lastAppliedRevision": revision,
            "conditions": [{"type": "Ready", "status": ready, "reason": "Why", "message": "because"}],
        },
    }


@pytest.mark.parametrize(
    ("obj", "believed"),
    [
        pytest.param(shop(), True, id="ready at the commit"),
        pytest.param(shop("False"), False, id="not ready"),
        pytest.param(shop("Unknown"), False, id="at work"),
        pytest.param(shop(revision="main@sha1:" + "1" * 40), False, id="ready at another commit"),
        pytest.param(shop(seen=1), False, id="ready as of an older spec"),
        pytest.param(shop(revision=""), False, id="nothing applied yet"),
        pytest.param({"metadata": {"generation": 1}}, False, id="no status yet"),
        pytest.param(None, False, id="not there"),
    ],
)
def test_ready_at_a_commit(obj: dict[str, Any] | None, believed: bool) -> None:
    assert ready_at("lastAppliedRevision", COMMIT)(obj) is believed


@pytest.mark.parametrize(("revision", "believed"), [("main@sha1:1", True), ("", False)])
def test_any_commit_will_do_but_there_must_be_one(revision: str, believed: bool) -> None:
    assert ready_at("lastAppliedRevision", "")(shop(revision=revision)) is believed


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        pytest.param(None, "there is none", id="not there"),
        pytest.param({"status": {"observedGeneration": -1}}, "no condition yet", id="new"),
        pytest.param({}, "there, as of now", id="a kind without conditions"),
        pytest.param(shop("False"), "Ready=False Why: because", id="failing"),
    ],
)
def test_progress_is_one_line(obj: dict[str, Any] | None, said: str) -> None:
    assert progress(obj) == said


@pytest.mark.parametrize(
    ("ready", "said"),
    [("Unknown", "Reconciling=True Progressing: Building"), ("False", "Ready=False Why: because")],
)
def test_progress_prefers_what_is_going_on_unless_it_failed(ready: str, said: str) -> None:
    obj = shop(ready)
    obj["status"]["conditions"].append(
        {"type": "Reconciling", "status": "True", "reason": "Progressing", "message": "Building"}
    )
    assert progress(obj) == said
