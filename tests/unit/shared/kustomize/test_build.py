"""Builds of small trees: what each field does, and where objects come from."""

from typing import Any

import pytest

from shared.kustomize.build import Build, build
from shared.kustomize.filesystem import MemoryTree
from shared.kustomize.options import LoadRestrictions, Options

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: main
        image: nginx:1
        envFrom:
        - configMapRef: {name: settings}
---
apiVersion: v1
kind: Service
metadata: {name: web}
"""


def built(files: dict[str, str], path: str = "/", **options: Any) -> Build:
    return build(MemoryTree(files), path, Options(**options))


def objects(kustomization: str, **files: str) -> dict[str, dict[str, Any]]:
    """The objects of a build of WEB, by kind."""
    tree = {"kustomization.yaml": "resources: [web.yaml]\n" + kustomization, "web.yaml": WEB}
    tree |= {name.replace("_", "."): content for name, content in files.items()}
    return {one.object["kind"]: one.object for one in built(tree).objects}


def at(obj: Any, path: str) -> Any:
    for step in path.split("."):
        obj = obj[int(step)] if isinstance(obj, list) else obj[step]
    return obj


CONTAINER = "spec.template.spec.containers.0"
FIELDS: dict[str, tuple[str, str, str, Any]] = {
    "namespace": ("namespace: prod\n", "Service", "metadata.namespace", "prod"),
    "namePrefix": ("namePrefix: a-\n", "Service", "metadata.name", "a-web"),
    "nameSuffix": ("nameSuffix: -z\n", "Service", "metadata.name", "web-z"),
    "commonLabels": ("commonLabels: {a: b}\n", "Deployment", "spec.selector.matchLabels.a", "b"),
    "labels": ("labels: [{pairs: {a: b}}]\n", "Deployment", "metadata.labels.a", "b"),
    "commonAnnotations": ("commonAnnotations: {a: b}\n", "Service", "metadata.annotations.a", "b"),
    "replicas": ("replicas: [{name: web, count: 7}]\n", "Deployment", "spec.replicas", 7),
    "images": ("images: [{name: nginx, newTag: '2'}]\n", "Deployment", f"{CONTAINER}.image", "nginx:2"),
    "strategic patch": (
        (
            "patches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n"
            "    spec: {template: {spec: {containers: [{name: main, command: [x]}]}}}\n"
        ),
        "Deployment",
        f"{CONTAINER}.command",
        ["x"],
    ),
    "json patch": (
        'patches:\n- target: {kind: Deploy.*}\n  patch: \'[{"op": "remove", "path": "/spec/template"}]\'\n',
        "Deployment",
        "spec",
        {"replicas": 1},
    ),
    "hashed reference": (
        "configMapGenerator: [{name: settings, literals: [a=b]}]\n",
        "Deployment",
        f"{CONTAINER}.envFrom.0.configMapRef.name",
        "settings-4h2mbtbbt6",
    ),
    "replacement": (
        (
            "replacements:\n- source: {kind: Deployment, fieldPath: spec.replicas}\n"
            "  targets: [{select: {kind: Service}, fieldPaths: [spec.x], options: {create: true}}]\n"
        ),
        "Service",
        "spec.x",
        1,
    ),
    "var": (
        (
            "vars: [{name: REPLICAS, objref: {apiVersion: apps/v1, kind: Deployment, name: web}, "
            "fieldref: {fieldpath: spec.replicas}}]\ncommonAnnotations: {count: $(REPLICAS)}\n"
        ),
        "Service",
        "metadata.annotations.count",
        "1",
    ),
}


@pytest.mark.parametrize("name", FIELDS)
def test_field(name: str) -> None:
    kustomization, kind, path, value = FIELDS[name]
    assert at(objects(kustomization)[kind], path) == value


LAYERS = {
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "base/web.yaml": WEB,
    "over/kustomization.yaml": "resources: [../base]\nconfigMapGenerator: [{name: c, literals: [a=b]}]\n",
}


def test_every_object_knows_where_it_began_and_what_it_went_through() -> None:
    places = {
        one.object["kind"]: (one.source, one.line, one.overlays) for one in built(LAYERS, "/over").objects
    }
    both = ("base/kustomization.yaml", "over/kustomization.yaml")
    assert places == {
        "Deployment": ("base/web.yaml", 1, both),
        "Service": ("base/web.yaml", 15, both),
        "ConfigMap": ("over/kustomization.yaml", 0, ("over/kustomization.yaml",)),
    }


def test_an_object_says_its_place() -> None:
    shown = [one.shown() for one in built(LAYERS, "/over").objects]
    assert "Service/web in base/web.yaml:15" in shown


def test_the_result_shares_nothing_with_the_next_build() -> None:
    tree = MemoryTree(LAYERS)
    first = build(tree, "/over")
    first.objects[0].object.clear()
    assert build(tree, "/over").objects[0].object["kind"] == "ConfigMap"


def test_files_outside_need_the_option() -> None:
    files = {"a/kustomization.yaml": "resources: [../web.yaml]\n", "web.yaml": WEB}
    assert len(built(files, "/a", load_restrictions=LoadRestrictions.NONE).objects) == 2


def test_the_deadline_is_asked_and_may_end_the_build() -> None:
    class TooLate(Exception):
        pass

    def late() -> None:
        raise TooLate

    with pytest.raises(TooLate):
        built(LAYERS, "/over", deadline=late)


def test_deprecated_fields_work_and_warn() -> None:
    result = built({**LAYERS, "over/kustomization.yaml": "bases: [../base]\n"}, "/over")
    assert len(result.objects) == 2
    assert result.warnings == ("over/kustomization.yaml: 'bases' is deprecated, use 'resources' instead",)
