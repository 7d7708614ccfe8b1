"""The kustomization file that a build by spec uses: found or generated, then changed."""

from typing import Any

import pytest

from shared.kustomize.build import build
from shared.kustomize.errors import KustomizationInvalid, ResourceInvalid
from shared.kustomize.filesystem import MemoryTree
from shared.kustomize.generate import generate_kustomization
from shared.kustomize.mutate import Mutation, mutate
from shared.kustomize.prepare import prepared

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
PLAIN = MemoryTree(
    {
        "apps/b.yaml": MAP % "b",
        "apps/a.yml": MAP % "a",
        "apps/.hidden/h.yaml": MAP % "h",
        "apps/readme.md": "text",
        "apps/sub/kustomization.yaml": "resources: [s.yaml]",
        "apps/sub/s.yaml": MAP % "s",
        "empty/x.txt": "",
        "broken/x.yaml": "a: [",
    }
)


def mutated(kustomization: dict[str, Any], **changes: Any) -> dict[str, Any]:
    tree = MemoryTree({"c/there/kustomization.yaml": "kind: Component"})
    return mutate({"resources": ["x"], **kustomization}, Mutation(**changes), tree, "/c")


def test_all_yaml_below_a_directory_is_taken_in_order() -> None:
    found = generate_kustomization(PLAIN, "/apps")["resources"]
    assert found == ["./.hidden/h.yaml", "./a.yml", "./b.yaml", "./sub"]


def test_a_directory_without_yaml_builds_to_nothing() -> None:
    tree = prepared(PLAIN, "/empty", Mutation())
    assert build(tree, "/empty").objects == ()


def test_a_file_that_holds_no_objects_is_refused() -> None:
    with pytest.raises(ResourceInvalid, match=r"failed to decode Kubernetes YAML from broken/x.yaml:1"):
        generate_kustomization(PLAIN, "/broken")


def test_a_generated_kustomization_builds_with_the_spec() -> None:
    tree = prepared(PLAIN, "apps", Mutation(target_namespace="prod", name_prefix="p-"))
    names = {
        (one.object["metadata"]["namespace"], one.object["metadata"]["name"])
        for one in build(tree, "/apps").objects
    }
    assert names == {("prod", f"p-{name}") for name in "abhs"}


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "namespace": ({"namespace": "a"}, {"target_namespace": "b"}, {"namespace": "b"}),
    "prefix": ({}, {"name_prefix": "p"}, {"namePrefix": "p"}),
    "suffix": ({"nameSuffix": "a"}, {"name_suffix": "b"}, {"nameSuffix": "b"}),
    "patches follow": ({"patches": [1]}, {"patches": [{"patch": "x", "target": None}]}, {"patches": [1, {"patch": "x"}]}),
    "components follow": ({"components": ["a"]}, {"components": ["b"]}, {"components": ["a", "b"]}),
    "missing components": (
        {},
        {"components": ["there", "gone"], "ignore_missing_components": True},
        {"components": ["there"]},
    ),
    "new image": ({}, {"images": [{"name": "a", "newTag": "1", "digest": ""}]}, {"images": [{"name": "a", "newTag": "1"}]}),
    "digest beats the tag of the file": (
        {"images": [{"name": "a", "newName": "b", "newTag": "1"}]},
        {"images": [{"name": "a", "digest": "sha256:1"}]},
        {"images": [{"name": "a", "newName": "b", "digest": "sha256:1"}]},
    ),
    "name alone keeps the tag": (
        {"images": [{"name": "a", "newTag": "1"}]},
        {"images": [{"name": "a", "newName": "c"}]},
        {"images": [{"name": "a", "newTag": "1", "newName": "c"}]},
    ),
    "metadata": ({"buildMetadata": ["a"]}, {"build_metadata": ["b"]}, {"buildMetadata": ["b"]}),
    "no resources": ({"resources": None}, {}, {"buildMetadata": ["originAnnotations"]}),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_change(name: str) -> None:
    before, changes, expected = CHANGES[name]
    after = mutated(before, **changes)
    assert {key: value for key, value in after.items() if key != "resources"} == expected


@pytest.mark.parametrize("path", ["/abs", "https://x/y", "git::x", "github.com/a/b", "git@x:y", "file:///x"])
def test_components_must_be_local_and_relative(path: str) -> None:
    with pytest.raises(KustomizationInvalid, match="must be local and relative"):
        mutated({}, components=[path])


def test_the_kustomization_of_the_tree_is_left_as_it_is() -> None:
    tree = MemoryTree({"kustomization.yaml": "resources: [a.yaml]", "a.yaml": MAP % "a"})
    changed = prepared(tree, "/", Mutation(name_prefix="p-"))
    assert build(changed).objects[0].object["metadata"]["name"] == "p-a"
    assert build(tree).objects[0].object["metadata"]["name"] == "a"
