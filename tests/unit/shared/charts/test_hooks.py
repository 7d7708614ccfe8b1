"""Which document is a hook, which is not, and in what order (specs/helm.md 20.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.charts.errors import RenderedTooBig, RenderFailed
from shared.charts.hooks import MAX_DOCUMENTS, arrange, by_source
from shared.charts.kind_order import INSTALL_ORDER, UNINSTALL_ORDER, install_key, uninstall_key


def hook(annotations: str, name: str = "h", kind: str = "Job") -> str:
    return f"kind: {kind}\nmetadata:\n  name: {name}\n  annotations: {{{annotations}}}\n"


def test_documents_come_in_the_order_of_kinds_then_files() -> None:
    files = {
        "web/templates/b.yaml": "kind: Pod\nmetadata: {name: one}\n---\nkind: Namespace\n---\nkind: Zebra\n",
        "web/templates/a.yaml": "kind: Pod\nmetadata: {name: two}\n---\nkind: Ant",
        "web/templates/_partial.tpl": "not: seen",
        "web/templates/blank.yaml": " \n",
    }
    assert arrange(files).manifest == (
        "---\n# Source: web/templates/b.yaml\nkind: Namespace\n"
        "---\n# Source: web/templates/a.yaml\nkind: Pod\nmetadata: {name: two}\n"
        "---\n# Source: web/templates/b.yaml\nkind: Pod\nmetadata: {name: one}\n"
        "---\n# Source: web/templates/a.yaml\nkind: Ant\n"
        "---\n# Source: web/templates/b.yaml\nkind: Zebra\n\n"
    )


@pytest.mark.parametrize(
    ("annotation", "events"),
    [
        pytest.param("pre-install", ("pre-install",), id="one"),
        pytest.param("'pre-install, Post-Upgrade'", ("pre-install", "post-upgrade"), id="two, in any case"),
        pytest.param("test-success", ("test",), id="the test of Helm 2"),
        pytest.param("'test,test'", ("test", "test"), id="twice the same"),
    ],
)
def test_events(annotation: str, events: tuple[str, ...]) -> None:
    (only,) = arrange({"t": hook(f"helm.sh/hook: {annotation}")}).hooks
    assert only.events == events


@pytest.mark.parametrize("annotation", ["crd-install", "'pre-install,nonsense'", "''"])
def test_a_hook_of_an_unknown_event_is_left_out_and_reported(annotation: str) -> None:
    arranged = arrange({"t": hook(f"helm.sh/hook: {annotation}")})
    assert (arranged.hooks, arranged.manifest) == ((), "")
    assert arranged.unknown == (annotation.strip("'"),)


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        pytest.param("5", 5, id="a number in YAML"),
        pytest.param("'-3'", -3, id="a negative one"),
        pytest.param("'+4'", 4, id="with a sign"),
        pytest.param("heavy", 0, id="a word"),
        pytest.param("'1_0'", 0, id="what Python takes for a number"),
        pytest.param(f"'{'9' * 30}'", 0, id="a number beyond bounds"),
    ],
)
def test_weights(weight: str, expected: int) -> None:
    (only,) = arrange({"t": hook(f"helm.sh/hook: test, helm.sh/hook-weight: {weight}")}).hooks
    assert only.weight == expected


def test_policies_are_listed_and_recorded_as_helm_does() -> None:
    policies = "helm.sh/hook-delete-policy: 'Hook-Succeeded, hook-failed', helm.sh/hook-output-log-policy: hook-failed"
    (only,) = arrange({"web/templates/t.yaml": hook(f"helm.sh/hook: test, {policies}")}).hooks
    assert only.record() == {
        "name": "h",
        "kind": "Job",
        "path": "web/templates/t.yaml",
        "manifest": only.manifest,
        "events": ["test"],
        "last_run": {"phase": ""},
        "delete_policies": ["hook-succeeded", "hook-failed"],
        "output_log_policies": ["hook-failed"],
    }


def test_hooks_come_in_the_order_of_kinds() -> None:
    files = {
        "a": hook("helm.sh/hook: test", "pod", "Pod"),
        "b": hook("helm.sh/hook: test", "sa", "ServiceAccount"),
    }
    assert [each.name for each in arrange(files).hooks] == ["sa", "pod"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param("a: [", "YAML parse error on t", id="no YAML"),
        pytest.param("- a", "the document is not a map", id="a list"),
        pytest.param("text", "the document is not a map", id="text"),
        pytest.param("metadata: []", "metadata is not a map", id="a list of metadata"),
        pytest.param("metadata: {annotations: x}", "annotations is not a map", id="text for annotations"),
        pytest.param(
            "metadata: {annotations: {a: {}}}", r"annotations\.a is not text", id="a map in annotations"
        ),
        pytest.param("metadata: {name: []}", r"metadata\.name is not text", id="a list for a name"),
    ],
)
def test_documents_that_are_no_objects(document: str, message: str) -> None:
    with pytest.raises(RenderFailed, match=message):
        arrange({"t": document})


def test_too_many_documents() -> None:
    with pytest.raises(RenderedTooBig, match="more than"):
        arrange({"t": "---\na: b\n" * (MAX_DOCUMENTS + 1)}, read=lambda _: {})


_documents = st.lists(
    st.tuples(st.sampled_from(["a", "b/c", "d"]), st.sampled_from([*INSTALL_ORDER[:5], "Zoo", "Bee"])),
    max_size=12,
)


@given(_documents)
def test_nothing_is_lost_and_order_is_stable(documents: list[tuple[str, str]]) -> None:
    files: dict[str, str] = {}
    for number, (path, kind) in enumerate(documents):
        files[path] = files.get(path, "") + f"---\nkind: {kind}\nn: {number}\n"
    found = by_source(arrange(files).manifest)
    expected = sorted(
        ((path, f"kind: {kind}\nn: {number}") for number, (path, kind) in enumerate(documents)),
        key=lambda each: (install_key(each[1].split()[1]), each[0]),
    )
    assert [(path, text.rstrip()) for path, text in found] == expected


def test_removal_is_the_reverse_but_for_services() -> None:
    without = [kind for kind in UNINSTALL_ORDER if kind != "Service"]
    assert without == [kind for kind in reversed(INSTALL_ORDER) if kind != "Service"]
    assert uninstall_key("Service") < uninstall_key("CronJob") < uninstall_key("Deployment")
    assert sorted(["Zoo", "Pod", "Bee", "Secret"], key=install_key) == ["Secret", "Pod", "Bee", "Zoo"]
