from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.helm.actions.apply import missing_from
from controllers.helm.actions.objects import ManifestUnusable, is_kept, owned, place, read_objects
from shared.model.meta import ObjectKey
from tests.unit.controllers.helm.actions.stage import Stage, config_map

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("---\n# Source: a\n---\n{}\n", [], id="comments and empty documents"),
        pytest.param(f"---\n# Source: a\n{CONFIG}---\n{CONFIG}", ["a", "a"], id="two documents"),
        pytest.param(
            "apiVersion: v1\nkind: ConfigMapList\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}]",
            ["x"],
            id="a list",
        ),
        pytest.param("apiVersion: v1\nkind: List\nitems:\n", [], id="an empty list"),
    ],
)  # fmt: skip
def test_objects_of_a_manifest(manifest: str, names: list[str]) -> None:
    assert [obj["metadata"]["name"] for obj in read_objects(manifest)] == names


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        pytest.param("a: [", "not YAML: line 1", id="no YAML"),
        pytest.param(f"{CONFIG}---\n- 1\n", "line 5: not a Kubernetes object", id="a list of values"),
        pytest.param("kind: ConfigMap\n", "line 1: ConfigMap has no usable apiVersion", id="no version"),
        pytest.param("apiVersion: v1\nkind: [x]\n", "no usable kind", id="an odd kind"),
        pytest.param("apiVersion: v1\nkind: Pod\nmetadata: 5\n", "no usable metadata.name", id="odd metadata"),
        pytest.param("apiVersion: v1\nkind: Pod\nmetadata: {name: 5}\n", "no usable metadata.name", id="a number"),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: 5}\n", "metadata.namespace", id="namespace"
        ),
        pytest.param("apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: [b]}\n", "no map", id="labels"),
        pytest.param("a: " + "[" * 500, "not YAML", id="too deep"),
    ],
)  # fmt: skip
def test_unusable_manifests(manifest: str, why: str) -> None:
    with pytest.raises(ManifestUnusable, match=why):
        read_objects(manifest)


@given(st.text(max_size=60))
def test_nonsense_fails_in_one_way(text: str) -> None:
    with suppress(ManifestUnusable):
        read_objects(text)


def test_ownership_is_added_to_what_is_there() -> None:
    obj = config_map("a", {"note": "b"})

    marked = owned(obj, "web", "apps")

    assert marked["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "Helm"}
    assert marked["metadata"]["annotations"] == {
        "note": "b",
        "meta.helm.sh/release-name": "web",
        "meta.helm.sh/release-namespace": "apps",
    }
    assert obj == config_map("a", {"note": "b"})


@pytest.mark.parametrize(
    ("annotations", "kept"),
    [({}, False), ({"helm.sh/resource-policy": " Keep "}, True), ({"helm.sh/resource-policy": "x"}, False)],
)
def test_the_resource_policy(annotations: dict[str, str], kept: bool) -> None:
    assert is_kept(config_map("a", annotations)) is kept


async def test_where_objects_live(stage: Stage) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r", "namespace": "nonsense", "creationTimestamp": None},
    }
    elsewhere = config_map("b")
    elsewhere["metadata"]["namespace"] = "other"

    placed = await place(stage.tools, [config_map("a"), elsewhere, role], "apps")

    assert [item.key for item in placed] == [
        ObjectKey("apps", "a"),
        ObjectKey("other", "b"),
        ObjectKey("", "r"),
    ]
    assert placed[2].desired["metadata"] == {"name": "r"}
    assert missing_from(placed, placed[1:]) == placed[:1]
