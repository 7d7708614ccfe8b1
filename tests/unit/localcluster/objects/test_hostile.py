"""Whatever a document holds: an answer or a typed refusal, never anything else."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from localcluster.objects import managed
from localcluster.objects.conflict import ApplyConflict
from localcluster.objects.crd.compile import compile_crd
from localcluster.objects.crd.prune import decode_custom
from localcluster.objects.crd.structural import validate_crd
from localcluster.objects.crd.validate import validate_custom
from localcluster.objects.decode import check_fields
from localcluster.objects.defaults import apply_defaults
from localcluster.objects.errors import ObjectError
from localcluster.objects.managed import Writer
from localcluster.objects.patch import json_patch
from localcluster.objects.schema import Schema, builtin
from localcluster.objects.strategic import strategic_merge
from localcluster.objects.strategy import prepare_create
from localcluster.objects.validation import validate_create, validate_update

KINDS = [
    ("", "v1", "Pod"),
    ("", "v1", "Service"),
    ("", "v1", "ConfigMap"),
    ("apps", "v1", "Deployment"),
    ("batch", "v1", "CronJob"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
]
_SCALARS = st.none() | st.booleans() | st.integers(-1, 2**40) | st.text("a1/.-", max_size=3)
_JUNK = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text("ab$", max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)


def of_type(schema: Schema, depth: int = 0):
    """Values that mostly have the type, with junk among them."""
    if depth > 5 or schema.shape == "any":
        return _JUNK
    if schema.shape == "scalar":
        return {"integer": st.integers(-1, 70_000), "boolean": st.booleans()}.get(schema.type, _SCALARS)
    if schema.shape == "struct":
        fields = {name: _lazily(field, depth) for name, field in schema.fields.items() if name not in _GIVEN}
        return st.fixed_dictionaries({}, optional=dict(sorted(fields.items())[:40])) | _JUNK
    inner = _lazily(schema.element, depth)
    if schema.shape == "list":
        return st.lists(inner, max_size=2)
    return st.dictionaries(st.text("a1/.-", max_size=3), inner, max_size=2)


_GIVEN = {"apiVersion", "kind"}


def _lazily(schema, depth):
    return st.deferred(lambda: of_type(schema, depth + 1))


@st.composite
def documents(draw):
    group, version, kind = draw(st.sampled_from(KINDS))
    schema = builtin(group, version, kind)
    body = draw(of_type(schema))
    meta = draw(of_type(schema.fields["metadata"], 3))
    found = body if isinstance(body, dict) else {}
    return schema, {**found, "metadata": meta, "apiVersion": f"{group}/{version}".strip("/"), "kind": kind}


@given(documents())
@settings(max_examples=50, deadline=None)
def test_any_document_of_a_built_in_kind_is_judged(document):
    schema, raw = document
    try:
        obj = apply_defaults(check_fields(raw, schema).obj)
    except ObjectError:
        return
    prepare_create(obj)
    validate_create(obj)
    validate_update(obj, obj)
    entries = managed.after_update(None, obj, schema, writer=Writer("a", raw["apiVersion"]), now="now")
    assert entries is None or all(entry["fieldsV1"] for entry in entries)


@given(documents(), documents())
@settings(max_examples=40, deadline=None)
def test_any_document_can_be_applied_or_is_refused(first, second):
    schema, raw = first
    writer = Writer("a", raw["apiVersion"])
    with contextlib.suppress(ObjectError, ApplyConflict):
        live = managed.apply(None, raw, schema, writer=writer, now="now")
        meta = live.obj["metadata"] or {}
        kept = {**live.obj, "metadata": {**meta, "managedFields": live.managed}}
        managed.apply(kept, {**second[1], **{k: raw[k] for k in _GIVEN}}, schema, writer=writer, now="now")


@given(documents(), _JUNK)
@settings(max_examples=40, deadline=None)
def test_any_patch_is_applied_or_refused(document, patch):
    schema, raw = document
    with contextlib.suppress(ObjectError):
        strategic_merge(raw, patch, schema)
    with contextlib.suppress(ObjectError):
        json_patch(raw, patch if isinstance(patch, list) else [patch])


@given(_JUNK, _JUNK)
@settings(max_examples=40, deadline=None)
def test_any_schema_is_judged_and_any_object_of_a_good_one(schema, spec):
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "a"},
        "spec": {"versions": [{"name": "v1", "storage": True, "schema": {"openAPIV3Schema": schema}}]},
    }
    try:
        crd = apply_defaults(
            check_fields(definition, builtin("apiextensions.k8s.io", "v1", "CustomResourceDefinition")).obj
        )
    except ObjectError:
        return
    validate_crd(crd)
    version = compile_crd(crd).versions["v1"]
    obj = {"apiVersion": "e.com/v1", "kind": "T", "metadata": {"name": "a"}, "spec": spec}
    validate_custom(decode_custom(obj, version.schema).obj, None, version)
