import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.ordering import (
    InvalidKindName,
    Stage,
    in_apply_order,
    in_deletion_order,
    parse_group_kind,
    plan_stages,
    stage_of,
)
from shared.model.meta import GroupKind, Object, ObjectRef

RBAC = "rbac.authorization.k8s.io"


def obj(kind: str, name: str = "x", *, api: str = "v1", namespace: str = "") -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def names(objects: list[Object]) -> list[str]:
    return [str(ObjectRef.of(item)) for item in objects]


def test_kinds_go_by_rank_then_group_kind_namespace_name() -> None:
    objects = [
        obj("ValidatingWebhookConfiguration", api="admissionregistration.k8s.io/v1"),
        obj("MutatingWebhookConfiguration", api="admissionregistration.k8s.io/v1"),
        obj("Widget", api="b.example/v1"),
        obj("Widget", api="a.example/v1"),
        obj("Ingress", api="networking.k8s.io/v1"),
        obj("Deployment", "b", api="apps/v1", namespace="one"),
        obj("Deployment", "a", api="apps/v1", namespace="two"),
        obj("Deployment", "a", api="apps/v1", namespace="one"),
        obj("Secret"),
        obj("ConfigMap"),
        obj("ServiceAccount"),
        obj("Namespace"),
        obj("CustomResourceDefinition", api="apiextensions.k8s.io/v1"),
    ]
    assert names(in_apply_order(objects)) == [
        "CustomResourceDefinition/x",
        "Namespace/x",
        "ServiceAccount/x",
        "ConfigMap/x",
        "Secret/x",
        "Deployment/one/a",
        "Deployment/one/b",
        "Deployment/two/a",
        "Widget/x",
        "Widget/x",
        "Ingress/x",
        "MutatingWebhookConfiguration/x",
        "ValidatingWebhookConfiguration/x",
    ]


def test_rank_is_by_kind_name_alone() -> None:
    foreign = obj("Secret", api="vault.example/v1")
    assert in_apply_order([obj("Deployment", api="apps/v1"), foreign])[0] is foreign


@given(st.permutations([obj(kind, name) for kind in ("Pod", "Secret", "Job") for name in "ab"]))
def test_deletion_runs_the_other_way_round(objects: list[Object]) -> None:
    applied = [ObjectRef.of(item) for item in in_apply_order(objects)]
    assert in_deletion_order(applied) == applied[::-1]


STAGES = {
    "a definition": ("apiextensions.k8s.io", "CustomResourceDefinition", Stage.DEFINITIONS),
    "a namespace": ("", "Namespace", Stage.DEFINITIONS),
    "a cluster role": (RBAC, "ClusterRole", Stage.DEFINITIONS),
    "a namespace of another group": ("example.com", "Namespace", Stage.REST),
    "a cluster role binding": (RBAC, "ClusterRoleBinding", Stage.REST),
    "a storage class": ("storage.k8s.io", "StorageClass", Stage.CLASSES),
    "any kind that ends in Class": ("example.com", "CoffeeClass", Stage.CLASSES),
    "a kind of the flag": ("example.com", "Database", Stage.CUSTOM),
    "a service account": ("", "ServiceAccount", Stage.REST),
}


@pytest.mark.parametrize(("group", "kind", "stage"), STAGES.values(), ids=STAGES)
def test_stage_of_a_kind(group: str, kind: str, stage: Stage) -> None:
    assert stage_of(GroupKind(group, kind), {GroupKind("example.com", "Database")}) is stage


def test_stages_without_objects_are_left_out() -> None:
    plans = plan_stages([obj("Pod"), obj("Namespace")])
    assert [(plan.stage, len(plan.objects)) for plan in plans] == [(Stage.DEFINITIONS, 1), (Stage.REST, 1)]
    assert [plan.stage.must_be_ready for plan in plans] == [True, False]
    assert plan_stages([]) == []


def test_group_kinds_of_the_flag() -> None:
    assert parse_group_kind("example.com/Database") == GroupKind("example.com", "Database")
    assert parse_group_kind("ConfigMap") == GroupKind("", "ConfigMap")
    for text in ("", "a/", "a/b/C"):
        with pytest.raises(InvalidKindName):
            parse_group_kind(text)
