"""Corners in which kustomize 5.7.1 was watched: each expectation is a piece of what it printed."""

from __future__ import annotations

import pytest

from shared.kustomize.build import build
from shared.kustomize.errors import PatchFailed
from shared.kustomize.filesystem import MemoryTree

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%s}\n"
FOO = "apiVersion: x.io/v1\nkind: Foo\nmetadata: {name: f}\n"
DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: []}}}\n"
)
BASE = "resources: [r.yaml]\ncommonLabels: {app: x}\n"


def built(kustomization: str, resource: str, *, base: str = "") -> str:
    """One kustomization, or an overlay of one."""
    if not base:
        return build(
            MemoryTree({"kustomization.yaml": f"resources: [r.yaml]\n{kustomization}", "r.yaml": resource})
        ).yaml()
    files = {
        "base/kustomization.yaml": base,
        "base/r.yaml": resource,
        "over/kustomization.yaml": f"resources: [../base]\n{kustomization}",
    }
    return build(MemoryTree(files), "/over").yaml()


def merging(text: str, field: str = "patches") -> str:
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    return f"{field}:\n- {'patch: ' if field == 'patches' else ''}|\n{indented}"


NULL_LABEL = MAP % ", labels: {app: null, b: c}"
SUBJECT = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: db}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: x}
subjects: [{kind: ServiceAccount, name: db, namespace: ns1}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: db}
"""
IN_NS1 = f"---\n{DEPLOYMENT.replace('name: a', 'name: a, namespace: ns1')}"

# name -> (kustomization, resource, what is printed, what is not)
CASES: dict[str, tuple[str, str, str, str]] = {
    "a null label of a patch deletes": (merging(NULL_LABEL), MAP % "", "  labels:\n    b: c\n", "app"),
    "a null label of patchesStrategicMerge is a text": (
        merging(NULL_LABEL, "patchesStrategicMerge"),
        MAP % "",
        '    app: "null"\n    b: c\n',
        "",
    ),
    "a null label of a patch with a target is a text": (
        merging(NULL_LABEL) + "  target: {kind: ConfigMap}\n",
        MAP % "",
        '    app: "null"\n    b: c\n',
        "",
    ),
    "null annotations of a patch that may change kinds delete nothing": (
        merging(MAP % ", annotations: null") + "  options: {allowKindChange: true}\n",
        MAP % ", annotations: {a: b}",
        "    a: b\n",
        "",
    ),
    "replacing an object as a whole changes nothing": (
        merging(MAP % "" + "$patch: replace\ndata: {a: b}\n"),
        MAP % "" + "data: {c: d}\n",
        "data:\n  c: d\n",
        "a: b",
    ),
    "blanks within braces are texts in what is added": (
        merging(FOO + "spec: {l: [{b: }, {c: null}], m: {n: }}\n"),
        FOO,
        '  l:\n  - b: ""\n  - c: null\n  m: {}\n',
        "",
    ),
    "blanks within braces are texts, below keys nulls": (
        "",
        FOO + "spec:\n  a: {b: }\n  c:\n",
        'b: ""\n  c: null\n',
        "",
    ),
    "a missing key is copied as a null": (
        'patches: [{target: {kind: Foo}, patch: \'[{"op": "copy", "from": "/no", "path": "/x"}]\'}]\n',
        FOO,
        "x: null\n",
        "",
    ),
    "an account is looked for where anything began": (
        "namePrefix: p-\nnamespace: ns1\n",
        SUBJECT + IN_NS1,
        "  name: db\n  namespace: ns1\n",
        "",
    ),
    "an account is looked for where it is now": (
        "namePrefix: p-\nnamespace: ns1\n",
        SUBJECT,
        "  name: p-db\n  namespace: ns1\n",
        "",
    ),
    "a var of a null is its text": (
        "vars: [{name: R, objref: {kind: Deployment, name: a, apiVersion: apps/v1}, fieldref: {fieldpath: spec.n}}]\n",
        DEPLOYMENT.replace("spec: {", "spec: {n: null, ").replace("[]", "[{args: [$(R), a$(R)]}]"),
        '- "null"\n        - anull\n',
        "",
    ),
    "a Secret of nothing has data": (
        "secretGenerator: [{name: s}]\n",
        FOO,
        "apiVersion: v1\ndata: {}\nkind: Secret\nmetadata:\n  name: s-46f8b28mk5\n",
        "",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_kustomization(name: str) -> None:
    kustomization, resource, printed, unprinted = CASES[name]
    output = built(kustomization, resource)
    assert printed in output
    assert not unprinted or unprinted not in output


LABELLED = DEPLOYMENT.replace("name: a", "name: a, labels: {app: y}")
TEMPLATE = DEPLOYMENT.replace("spec: {template: {", "spec: {template: {metadata: {labels: {app: y}}, ")
REPLACED = "replacements:\n- source: {kind: Deployment, fieldPath: metadata.name}\n  targets: [{select: {kind: Deployment}, fieldPaths: [metadata.labels.app]}]\n"
JSON = 'patches: [{target: {kind: Deployment}, patch: \'[{"op": "replace", "path": "/metadata/labels/app", "value": "y"}]\'}]\n'

# Labels that a transformer added are one node: name -> (overlay, resource of the base, values from top to bottom)
SHARED: dict[str, tuple[str, str, list[str]]] = {
    "a patch of one changes all": (merging(LABELLED), DEPLOYMENT, ['"y"'] * 3),
    "a patch of the template changes all": (merging(TEMPLATE), DEPLOYMENT, ['"y"'] * 3),
    "a label of the overlay changes all": ('labels: [{pairs: {app: "y"}}]\n', DEPLOYMENT, ['"y"'] * 3),
    "a replacement changes all": (REPLACED, DEPLOYMENT, ["a"] * 3),
    "what was there before is its own": (merging(LABELLED), LABELLED, ['"y"', "x", "x"]),
    "a JSON patch makes all their own": (JSON, DEPLOYMENT, ['"y"', "x", "x"]),
    "what is deleted is deleted in one place": (
        merging(LABELLED.replace("app: y", "app: null")),
        DEPLOYMENT,
        ["x", "x"],
    ),
}


@pytest.mark.parametrize("name", SHARED)
def test_labels_added_together(name: str) -> None:
    overlay, resource, values = SHARED[name]
    output = built(overlay, resource, base=BASE)
    assert [line.split(": ")[1] for line in output.splitlines() if line.strip().startswith("app:")] == values


def test_a_json_patch_of_nothing_is_refused() -> None:
    with pytest.raises(PatchFailed, match="appears to be empty"):
        built(
            "patchesJson6902: [{target: {kind: Foo, name: f, version: v1, group: x.io}, patch: '[]'}]\n", FOO
        )
