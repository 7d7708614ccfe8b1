"""Every kind has its words under the verbs, its columns and its last line."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest

from cli import families as f
from cli.columns import View
from cli.commands.get import get
from cli.commands.reconcile import reconcile
from cli.commands.resume import resume
from cli.commands.suspend import suspend
from cli.families import Family
from cli.groups import LazyGroup
from cli.outcomes import success
from cli.pauses import annotations_for, pause_of


def found(group: LazyGroup, *words: str) -> click.Command:
    command: click.Command | None = group
    for word in words:
        assert isinstance(command, LazyGroup)
        command = command.get_command(click.Context(command), word)
    assert command is not None
    return command


def path(family: Family, word: str) -> tuple[str, ...]:
    return (family.group, word) if family.group else (word,)


@pytest.mark.parametrize("family", f.EVERY, ids=lambda family: family.kind)
def test_every_kind_can_be_listed_in_singular_and_plural(family: Family) -> None:
    assert found(get, *path(family, family.shown)) is found(get, *path(family, family.word))


@pytest.mark.parametrize("verb", [suspend, resume])
@pytest.mark.parametrize(
    "family", [each for each in f.EVERY if each is not f.EXTERNAL], ids=lambda family: family.kind
)
def test_every_kind_with_a_controller_can_be_paused(verb: LazyGroup, family: Family) -> None:
    assert found(verb, *path(family, family.word)).params


@pytest.mark.parametrize(
    ("family", "options"),
    [
        (f.KUSTOMIZATIONS, {"with_source"}),
        (f.HELM_RELEASES, {"with_source", "force", "reset"}),
        (f.CHART, {"with_source"}),
        (f.GIT, set()),
        (f.IMAGE_UPDATES, set()),
    ],
    ids=lambda value: value.kind if isinstance(value, Family) else "",
)
def test_what_can_be_asked_of_a_controller(family: Family, options: set[str]) -> None:
    names = {str(parameter.name) for parameter in found(reconcile, *path(family, family.word)).params}
    assert {"with_source", "force", "reset"} & names == options


def obj(spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "app", "namespace": "apps", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": spec or {},
        "status": status,
    }


READY = [{"type": "Ready", "status": "True", "message": "fine"}]


@pytest.mark.parametrize(
    ("family", "value", "row"),
    [
        (
            f.HELM_RELEASES,
            obj(history=[{"chartVersion": "1.2.3"}], conditions=READY),
            ["NAME app", "REVISION 1.2.3", "SUSPENDED False", "READY True", "MESSAGE fine"],
        ),
        (
            f.IMAGE_POLICIES,
            obj(latestRef={"name": "r/app", "tag": "v1"}, conditions=READY),
            ["NAME app", "IMAGE r/app", "TAG v1", "READY True", "MESSAGE fine"],
        ),
        (
            f.IMAGE_REPOSITORIES,
            obj(lastScanResult={"scanTime": "then"}, conditions=READY),
            ["NAME app", "LAST SCAN then", "SUSPENDED False", "READY True", "MESSAGE fine"],
        ),
        (f.PROVIDERS, obj() | {"kind": "Provider"}, ["NAME app", "READY True", "MESSAGE Provider is Ready"]),
        (
            f.GIT,
            obj(artifact={"revision": f"main@sha1:{'a' * 40}"}),
            [
                "NAME app",
                "REVISION main@sha1:aaaaaaaa",
                "SUSPENDED False",
                "READY False",
                "MESSAGE waiting to be reconciled",
            ],
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Family) else "",
)
def test_columns(family: Family, value: dict[str, Any], row: list[str]) -> None:
    head, line = View("table", header=True, namespaces=False).table(family, [value], header=True).splitlines()
    cells = zip(head.split("\t"), line.split("\t"), strict=True)
    assert [f"{title.strip()} {cell.strip()}" for title, cell in cells if title.strip()] == row


def test_the_wide_form_says_why_something_is_suspended() -> None:
    paused = obj({"suspend": True, "url": "https://example.org"})
    paused["metadata"]["annotations"] = {
        key: value
        for key, value in annotations_for(
            "release freeze", timedelta(hours=1), datetime(2026, 1, 1, tzinfo=UTC)
        ).items()
        if value
    }

    text = View("wide", header=True, namespaces=False).table(f.GIT, [paused], header=True)

    assert "True (release freeze, until 2026-01-01T01:00:00Z)" in text
    assert "https://example.org" in text


def test_a_pause_without_words_removes_those_of_an_earlier_one() -> None:
    assert set(annotations_for("", None, datetime(2026, 1, 1, tzinfo=UTC)).values()) == {None}
    assert pause_of(obj()) == ""


@pytest.mark.parametrize(
    ("family", "value", "line"),
    [
        (f.GIT, obj(artifact={"revision": "main@sha1:1"}), "fetched revision main@sha1:1"),
        (f.KUSTOMIZATIONS, obj(lastAppliedRevision="main@sha1:1"), "applied revision main@sha1:1"),
        (f.IMAGE_REPOSITORIES, obj(lastScanResult={"tagCount": 3}), "scan fetched 3 tags"),
        (
            f.IMAGE_POLICIES,
            obj(latestRef={"name": "r/app", "tag": "v1", "digest": "sha256:1"}),
            "selected ref r/app:v1@sha256:1",
        ),
        (f.IMAGE_UPDATES, obj(), "automation not yet run"),
        (f.IMAGE_UPDATES, obj(conditions=READY), "fine"),
        (f.RECEIVERS, obj(), "Receiver reconciliation completed"),
    ],
)
def test_last_lines(family: Family, value: dict[str, Any], line: str) -> None:
    assert success(family, value) == line
