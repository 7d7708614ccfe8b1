import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.inventory import InvalidEntry, Inventory, parse_id, render_id
from shared.model.meta import ObjectRef

IDS = {
    "namespaced": (
        ObjectRef("apps/v1", "Deployment", "default", "podinfo"),
        "default_podinfo_apps_Deployment",
    ),
    "core group": (ObjectRef("v1", "ConfigMap", "default", "cfg"), "default_cfg__ConfigMap"),
    "cluster scope": (ObjectRef("v1", "Namespace", "", "flux-system"), "_flux-system__Namespace"),
    "colon in an RBAC name": (
        ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:view"),
        "_system__view_rbac.authorization.k8s.io_ClusterRole",
    ),
}


@pytest.mark.parametrize(("ref", "text"), IDS.values(), ids=IDS)
def test_ids_both_ways(ref: ObjectRef, text: str) -> None:
    assert render_id(ref) == text
    assert parse_id(text, ref.version) == ref


@pytest.mark.parametrize(
    "text", ["", "a", "a_b", "a_b_c", "a_b_c_d_E", "_name__", "ns___Kind", "a_b_c_d_e_f"]
)
def test_refuses_what_is_no_id(text: str) -> None:
    with pytest.raises(InvalidEntry):
        parse_id(text, "v1")


def test_refuses_an_entry_without_version() -> None:
    with pytest.raises(InvalidEntry):
        parse_id("default_cfg__ConfigMap", "")


name = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,10}[a-z0-9])?", fullmatch=True)
refs = st.builds(
    ObjectRef, st.sampled_from(["v1", "apps/v1", "a.b/v2"]), st.sampled_from(["A", "Bc"]), name, name
)


@given(refs)
def test_every_ref_survives(ref: ObjectRef) -> None:
    assert parse_id(render_id(ref), ref.version) == ref


@given(st.lists(refs), st.lists(refs))
def test_laws_of_sets(ours: list[ObjectRef], theirs: list[ObjectRef]) -> None:
    one, other = Inventory.of(ours), Inventory.of(theirs)
    assert Inventory.parse(one.render()) == one
    assert len(one - one) == 0
    assert {*map(render_id, one | other)} == {*map(render_id, ours), *map(render_id, theirs)}
    assert all(ref not in other for ref in one - other)
    assert len((one | other) - other) == len(one - other)


def test_a_new_version_is_not_stale_and_wins() -> None:
    old = Inventory.of(
        [ObjectRef("apps/v1beta1", "Deployment", "a", "x"), ObjectRef("v1", "Secret", "a", "s")]
    )
    new = Inventory.of([ObjectRef("apps/v1", "Deployment", "a", "x")])
    assert [str(ref) for ref in old - new] == ["Secret/a/s"]
    assert [ref.api_version for ref in old | new] == ["apps/v1", "v1"]


def test_order_is_kept() -> None:
    refs = [ObjectRef("v1", "Secret", "a", letter) for letter in "cab"]
    assert [ref.name for ref in Inventory.of(refs)] == ["c", "a", "b"]


def test_no_inventory_is_an_empty_one() -> None:
    assert len(Inventory.parse(None)) == 0
