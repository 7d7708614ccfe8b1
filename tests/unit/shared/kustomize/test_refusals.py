"""Input that is wrong or hostile: refused with a message that names file and reason, quickly."""

import pytest

from shared.kustomize import errors
from shared.kustomize.build import build
from shared.kustomize.filesystem import MemoryTree
from shared.kustomize.options import Limits, Options

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
USE = "resources: [a.yaml]\n"
PATCH = "patches:\n- target: {kind: ConfigMap}\n  patch: |-\n"

# name -> (kustomization, a.yaml, the error, a part of its message)
CASES: dict[str, tuple[str, str, type[errors.BuildError], str]] = {
    "invalid YAML": (USE, MAP + "a: [", errors.ResourceInvalid, "a.yaml:4"),
    "no name": (USE, MAP + "---\nkind: X\nmetadata: {}\n", errors.ResourceInvalid, "a.yaml:5: missing metadata.name"),
    "no kind": (USE, "a: b\n", errors.ResourceInvalid, "a.yaml:1: missing kind"),
    "twice the same": (USE, MAP + "---\n" + MAP, errors.DuplicateResource, "a.yaml:5, which is also in a.yaml:1"),
    "missing file": ("resources: [b.yaml]\n", MAP, errors.FileMissing, "kustomization.yaml: accumulating resources"),
    "itself": ("resources: [.]\n", MAP, errors.CycleFound, "cycle detected: . -> ."),
    "above the root": ("resources: [../x]\n", MAP, errors.PathForbidden, "outside of the root"),
    "remote base": ("resources: ['https://169.254.169.254/x']\n", MAP, errors.RemoteRefused, "not allowed"),
    "local git": ("resources: ['git::file:///etc']\n", MAP, errors.RemoteRefused, "not allowed"),
    "schema by URL": ("openapi: {path: 'https://x.example/s'}\n", MAP, errors.RemoteRefused, "not allowed"),
    "crds by URL": ("crds: ['http://x.example/s']\n", MAP, errors.RemoteRefused, "not allowed"),
    "validator by URL": ("validators: ['http://x.example/s']\n", MAP, errors.RemoteRefused, "not allowed"),
    "Helm": ("helmCharts: [{name: x}]\n", MAP, errors.PluginRefused, "HelmRelease"),
    "plugin": ("generators: [a.yaml]\n", MAP, errors.PluginRefused, "only built-in plugins"),
    "unknown field": (USE + "nope: 1\n", MAP, errors.KustomizationInvalid, "unknown field 'nope'"),
    "wrong type": ("resources: 5\n", MAP, errors.KustomizationInvalid, "resources: expected a list"),
    "empty": ("kind: Kustomization\n", MAP, errors.KustomizationInvalid, "is empty"),
    "parent missing": (USE + PATCH + "    - {op: add, path: /a/b, value: 1}\n", MAP, errors.PatchFailed, "ConfigMap/c in a.yaml:1"),
    "copies of copies": (
        USE + PATCH + "    - {op: add, path: /d, value: {}}\n" + "".join(f"    - {{op: copy, from: /d, path: /d/k{i}}}\n" for i in range(60)),
        MAP,
        errors.LimitExceeded,
        "a copy of more than",
    ),
    "pattern": (USE + "patches: [{target: {name: '('}, patch: '[{\"op\": \"test\", \"path\": \"/kind\", \"value\": \"ConfigMap\"}]'}]\n", MAP, errors.KustomizationInvalid, "regular expression"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    kustomization, content, error, message = CASES[name]
    with pytest.raises(error) as refusal:
        build(MemoryTree({"kustomization.yaml": kustomization, "a.yaml": content}))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_cycle_of_two_shows_its_chain() -> None:
    files = {"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../a]"}
    with pytest.raises(errors.CycleFound, match="a -> b -> a"):
        build(MemoryTree(files), "/a")


def test_a_chain_of_two_hundred_is_too_deep() -> None:
    files = {f"{i}/kustomization.yaml": f"resources: [../{i + 1}]" for i in range(200)}
    with pytest.raises(errors.LimitExceeded, match="levels deep"):
        build(MemoryTree(files), "/0")


@pytest.mark.parametrize(
    "limits", [Limits(files=1), Limits(total_bytes=30), Limits(file_bytes=30), Limits(objects=1)], ids=str
)
def test_limits(limits: Limits) -> None:
    files = {"kustomization.yaml": USE, "a.yaml": MAP + "---\n" + MAP.replace("c}", "d}")}
    with pytest.raises(errors.LimitExceeded):
        build(MemoryTree(files), "/", Options(limits=limits))


def test_evil_patterns_cost_nothing() -> None:
    content = MAP + f"containers: [{{image: {'a' * 5000}}}]\n"
    kustomization = USE + "images: [{name: '(a+)+b', newTag: x}]\n"
    assert build(MemoryTree({"kustomization.yaml": kustomization, "a.yaml": content})).objects


def test_an_error_names_the_kustomization_that_failed() -> None:
    files = {
        "kustomization.yaml": "resources: [b]\n",
        "b/kustomization.yaml": "replicas: [{name: x, count: 1}]\n",
    }
    with pytest.raises(errors.TransformFailed, match=r"^b/kustomization\.yaml: replicas") as refusal:
        build(MemoryTree(files))
    assert refusal.value.kustomization == "b/kustomization.yaml"
