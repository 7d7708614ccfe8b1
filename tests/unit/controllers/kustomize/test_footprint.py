import pytest

from controllers.kustomize.footprint import Footprint, RecordedTree
from shared.kustomize.build import build
from shared.kustomize.filesystem import MemoryTree

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
FILES = {
    "base/kustomization.yaml": "resources: [a.yaml]\n",
    "base/a.yaml": CONFIG_MAP,
    "app/kustomization.yaml": "resources: [../base]\nnamePrefix: x-\n",
    "other/b.yaml": CONFIG_MAP,
}


@pytest.fixture
def footprint():
    footprint = Footprint()
    build(RecordedTree(MemoryTree(FILES), footprint), "/app")
    return footprint


def test_the_same_tree_holds(footprint):
    assert footprint.holds(MemoryTree(FILES))


@pytest.mark.parametrize(
    ("path", "content"),
    [("other/b.yaml", CONFIG_MAP + "data: {k: v}\n"), ("other/new.yaml", CONFIG_MAP), ("README.md", "hello")],
)
def test_what_the_build_never_looked_at_does_not_count(footprint, path, content):
    assert footprint.holds(MemoryTree(FILES | {path: content}))


@pytest.mark.parametrize("path", ["base/a.yaml", "base/kustomization.yaml", "app/kustomization.yaml"])
def test_a_changed_file_counts(footprint, path):
    assert not footprint.holds(MemoryTree(FILES | {path: FILES[path] + "# changed\n"}))


@pytest.mark.parametrize("path", ["base/a.yaml", "app/kustomization.yaml"])
def test_a_removed_file_counts(footprint, path):
    assert not footprint.holds(MemoryTree({name: text for name, text in FILES.items() if name != path}))


def test_a_file_that_was_looked_for_in_vain_counts_when_it_appears():
    footprint = Footprint()
    tree = RecordedTree(MemoryTree(FILES), footprint)
    assert tree.names("/app") == ["kustomization.yaml"]
    assert not footprint.holds(MemoryTree(FILES | {"app/more.yaml": CONFIG_MAP}))


def test_too_much_to_remember_never_holds(monkeypatch):
    monkeypatch.setattr("controllers.kustomize.footprint._MAX_LOOKS", 2)
    footprint = Footprint()
    build(RecordedTree(MemoryTree(FILES), footprint), "/app")
    assert not footprint.holds(MemoryTree(FILES))
