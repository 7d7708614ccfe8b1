from __future__ import annotations

import time
from typing import Any

import pytest

from controllers.notification.combine import combine
from controllers.notification.event import EVENT_GROUP
from controllers.notification.gate import check_namespace, check_provider
from controllers.notification.match import carries, check_lists, sources_of
from tests.unit.controllers.notification.words import GROUP, REVISION, alert, event, provider

KS = {"kind": "Kustomization", "name": "webapp"}


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({"eventSources": [KS]}, True),
        ({"eventSources": [KS | {"name": "*"}]}, True),
        ({"eventSources": [KS | {"name": "web*"}]}, False),
        ({"eventSources": [KS | {"kind": "kustomization"}]}, False),
        ({"eventSources": [KS | {"namespace": "other"}]}, False),
        ({"eventSources": [KS | {"namespace": "other"}, KS]}, True),
        ({"eventSources": [KS | {"apiVersion": "whatever/v9"}]}, True),
        ({"eventSources": [KS], "suspend": True}, False),
        ({"eventSources": [KS], "eventSeverity": "error"}, True),
        ({"eventSources": []}, False),
    ],
)
def test_sources(spec: dict[str, Any], wanted: bool) -> None:
    assert bool(sources_of(alert(**spec), event())) is wanted


@pytest.mark.parametrize(
    ("alerted", "said", "wanted"),
    [("info", "info", True), ("info", "error", True), ("error", "error", True), ("error", "info", False),
     ("info", "trace", True), ("error", "trace", False)],
)  # fmt: skip
def test_severities(alerted: str, said: str, wanted: bool) -> None:
    assert bool(sources_of(alert(eventSeverity=alerted), event(severity=said))) is wanted


def test_labels() -> None:
    assert carries({"a": "1", "b": "2"}, {"a": "1"})
    assert carries({}, {})
    assert not carries({"a": "1"}, {"a": "2"})
    assert not carries({}, {"a": ""})


@pytest.mark.parametrize(
    ("inclusion", "exclusion", "passes", "problems"),
    [
        ([], [], True, 0),
        (["failed"], [], True, 0),
        (["^failed"], [], False, 0),
        (["nothing", "Health.*30s$"], [], True, 0),
        ([], ["failed"], False, 0),
        (["failed"], ["check"], False, 0),
        (["(?=x)"], [], False, 1),
        (["a(", "failed"], [], True, 1),
        ([], ["a("], True, 1),
        (["x" * 10_000], [], False, 1),
    ],
)
def test_lists(inclusion: list[str], exclusion: list[str], passes: bool, problems: int) -> None:
    found = check_lists(alert(inclusionList=inclusion, exclusionList=exclusion), event().message)
    assert (found.passes, len(found.problems)) == (passes, problems)


def test_no_expression_takes_long() -> None:
    started = time.monotonic()
    assert not check_lists(alert(inclusionList=["(a+)+$", "(a|a)*b"]), "a" * 39_000 + "!").passes
    assert time.monotonic() - started < 1


def test_metadata_of_four_sources() -> None:
    """specs/notification.md 18.1."""
    said = event(metadata={f"{GROUP}/revision": REVISION, f"{EVENT_GROUP}/cluster": "prod"})
    found = combine(said, alert(eventMetadata={"cluster": "eu", "env": "p"}))
    assert found.event.metadata == {"cluster": "eu", "env": "p", "revision": REVISION}
    assert found.conflicts == {"cluster": "involved object annotations, Alert object .spec.eventMetadata"}
    assert said.metadata == {f"{GROUP}/revision": REVISION, f"{EVENT_GROUP}/cluster": "prod"}


def test_the_controller_has_the_last_word_and_the_summary_its_own() -> None:
    said = event(metadata={f"{GROUP}/revision": REVISION, f"{GROUP}/summary": "controller"})
    found = combine(said, alert(eventMetadata={"revision": "mine", "summary": "m"}, summary="s"))
    assert found.event.metadata == {"revision": REVISION, "summary": "controller"}
    assert list(found.conflicts) == ["revision", "summary"]


UPDATE = {f"{GROUP}/commit_status": "update"}
COMMIT = {f"{EVENT_GROUP}/commit": "c"}
CHANGE = {f"{EVENT_GROUP}/change_request": "1"}


@pytest.mark.parametrize(
    ("kind", "severity", "metadata", "passes"),
    [
        ("github", "info", COMMIT, True),
        ("github", "info", UPDATE, True),
        ("github", "error", {}, True),
        ("github", "info", {}, False),
        ("slack", "info", UPDATE, False),
        ("slack", "info", {}, True),
        ("githubdispatch", "info", UPDATE, False),
        ("generic", "info", UPDATE, True),
        ("generic-hmac", "info", UPDATE, True),
        ("githubpullrequestcomment", "info", CHANGE, True),
        ("githubpullrequestcomment", "error", {}, False),
        ("githubpullrequestcomment", "info", CHANGE | UPDATE, False),
        ("githubpullrequestcomment", "info", {"change_request": "1"}, False),
    ],
)
def test_gates_of_providers(kind: str, severity: str, metadata: dict[str, str], passes: bool) -> None:
    """specs/notification.md 18.3."""
    assert check_provider(provider(kind), event(severity=severity, metadata=metadata)).passes is passes


def test_what_a_gate_says() -> None:
    assert not check_provider(provider(suspend=True), event()).problem
    assert "workload identity" in check_provider(provider(serviceAccountName="x"), event()).problem


def test_other_namespaces() -> None:
    elsewhere = alert(eventSources=[KS | {"namespace": "apps"}])
    assert check_namespace(elsewhere, event(), cross_namespace=False).passes
    other = event()
    foreign = type(other)({**other.involved, "namespace": "other"}, *("info", "", "", ""))
    assert check_namespace(elsewhere, foreign, cross_namespace=True).passes
    verdict = check_namespace(elsewhere, foreign, cross_namespace=False)
    assert "alert 'apps/all' can't process event from 'Kustomization/other/webapp'" in verdict.problem
