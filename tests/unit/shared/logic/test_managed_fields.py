from hypothesis import given
from hypothesis import strategies as st

from shared.logic.managed_fields import cleanup_patch, migration_patch, union
from shared.model.meta import Object

US = "kustomize-controller"


def entry(manager: str, operation: str = "Update", fields: Object | None = None, **more: str) -> Object:
    return {"manager": manager, "operation": operation, "fieldsV1": fields or {"f:data": {}}, **more}


def live(*entries: Object, **metadata: object) -> Object:
    return {"metadata": {"name": "x", "resourceVersion": "7", "managedFields": list(entries), **metadata}}


def managers(patch: list[Object]) -> list[tuple[str, str, Object]]:
    [value] = [op["value"] for op in patch if op["path"] == "/metadata/managedFields"]
    return [(item["manager"], item["operation"], item["fieldsV1"]) for item in value]


def test_nothing_to_clean() -> None:
    assert cleanup_patch(live(entry(US, "Apply"), entry("kube-controller-manager")), US) == []


def test_kubectl_is_folded_into_our_entry() -> None:
    patch = cleanup_patch(
        live(
            entry("kubectl-client-side-apply", fields={"f:data": {"f:a": {}}}),
            entry(US, "Apply", {"f:data": {"f:b": {}}}),
            entry("kubectl-edit", fields={"f:data": {"f:c": {}}}),
            entry("other"),
        ),
        US,
    )
    assert managers(patch) == [
        (US, "Apply", {"f:data": {"f:a": {}, "f:b": {}, "f:c": {}}}),
        ("other", "Update", {"f:data": {}}),
    ]
    assert patch[-1] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def test_the_first_foreign_entry_becomes_ours_when_we_have_none() -> None:
    patch = cleanup_patch(live(entry("kubectl"), entry("before-first-apply", fields={"f:spec": {}})), US)
    assert managers(patch) == [(US, "Apply", {"f:data": {}, "f:spec": {}})]


def test_a_status_entry_is_left_alone() -> None:
    assert cleanup_patch(live(entry("kubectl-patch", subresource="status")), US) == []


def test_before_first_apply_and_our_own_name_count_for_updates_only() -> None:
    assert cleanup_patch(live(entry("before-first-apply", "Apply")), US) == []
    assert managers(cleanup_patch(live(entry(US, "Update")), US)) == [(US, "Apply", {"f:data": {}})]


def test_overridden_managers_count_for_both_operations() -> None:
    for operation in ("Apply", "Update"):
        assert cleanup_patch(live(entry("helm", operation)), US) == []
        assert managers(cleanup_patch(live(entry("helm", operation)), US, ["helm"]))[0][0] == US


def test_old_annotations_and_labels_go() -> None:
    patch = cleanup_patch(
        live(
            annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}", "keep": "me"},
            labels={"fluxcd.io/sync-gc-mark": "sha256.x"},
        ),
        US,
    )
    assert patch == [
        {"op": "remove", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"},
        {"op": "remove", "path": "/metadata/labels/fluxcd.io~1sync-gc-mark"},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
    ]


fields = st.recursive(
    st.just({}), lambda child: st.dictionaries(st.sampled_from(["f:a", "f:b", "."]), child), max_leaves=8
)


@given(fields, fields)
def test_union_laws(one: Object, other: Object) -> None:
    assert union(one, other) == union(other, one)
    assert union(one, one) == one
    assert union(union(one, other), other) == union(one, other)


def test_union_of_very_deep_sets() -> None:
    deep: Object = {}
    for _ in range(5_000):
        deep = {"f:a": deep}
    both = union(deep, {"f:b": {}})
    assert set(both) == {"f:a", "f:b"}


def test_entries_of_another_version_are_migrated() -> None:
    old, new = (entry("a", apiVersion=f"apps/{version}") for version in ("v1beta1", "v1"))
    patch = migration_patch(live(old, new), "apps/v1")
    assert patch[0]["value"] == [new, new]
    assert patch[1] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    assert migration_patch(live(new), "apps/v1") == []
    assert migration_patch({"metadata": {"name": "x"}}, "apps/v1") == []
