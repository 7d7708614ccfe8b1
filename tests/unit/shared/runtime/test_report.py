"""The draft of a status, and what is told about an object meanwhile."""

from __future__ import annotations

import pytest

from shared.model.event import EventType
from shared.model.kinds import GIT_REPOSITORY
from shared.model.meta import REQUESTED_AT
from shared.runtime.report import Report
from shared.runtime.status import StatusWriter
from tests.make import NOW, condition, git_repository


def report(obj, told=None):
    # What is tested here sends nothing.
    writer = StatusWriter(None, GIT_REPOSITORY, "test-controller", frozenset())
    return Report(obj, writer=writer, tell=[].append if told is None else told.append, now=NOW)


def with_status(**status):
    return git_repository() | {"status": status}


def test_the_draft_is_not_the_object():
    obj = with_status(artifact={"revision": "1"}, conditions=[condition("Ready").render()])
    draft = report(obj)
    draft.status["artifact"]["revision"] = "2"
    draft.conditions.delete("Ready")
    assert obj["status"]["artifact"] == {"revision": "1"}
    assert obj["status"]["conditions"][0]["type"] == "Ready"
    assert draft.before.is_true("Ready")
    assert "conditions" not in draft.status


@pytest.mark.parametrize(
    ("status", "is_new"),
    [({}, True), ({"observedGeneration": -1}, True), ({"observedGeneration": 1}, False)],
    ids=["no status", "the default of the CRD", "finished"],
)
def test_a_generation_is_new_until_it_has_been_finished(status, is_new):
    draft = report(with_status(**status))
    assert draft.is_new_generation is is_new
    draft.observe_generation()
    assert not draft.is_new_generation


@pytest.mark.parametrize(
    ("token", "handled", "requested"),
    [("", None, False), ("a", None, True), ("b", "a", True), ("a", "a", False)],
    ids=["nobody asked", "asked", "asked again", "handled"],
)
def test_who_asks_is_heard_once(token, handled, requested):
    obj = with_status(**({"lastHandledReconcileAt": handled} if handled else {}))
    obj["metadata"]["annotations"] = {REQUESTED_AT: token} if token else {}
    assert report(obj).is_requested is requested


def test_an_event_carries_the_object_and_its_own_annotations():
    told = []
    obj = git_repository()
    obj["metadata"]["annotations"] = {
        "event.toolkit.fluxcd.io/cluster": "prod",
        "event.toolkit.fluxcd.io/team": "a",
        "other": "x",
    }
    draft = report(obj, told)
    draft.tell(EventType.NORMAL, "NewArtifact", "stored it", {"event.toolkit.fluxcd.io/team": "b", "r": "1"})
    (event,) = told
    assert event.involved == {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "namespace": "apps",
        "name": "repo",
        "uid": "uid-repo",
        "resourceVersion": "1",
    }
    assert event.metadata == {
        "event.toolkit.fluxcd.io/cluster": "prod",
        "event.toolkit.fluxcd.io/team": "b",
        "r": "1",
    }
