import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.undeclared import is_built_in, undeclared_fields, without_fields
from shared.model.meta import Object

POD: Object = {
    "surprise": 1,
    "spec": {
        "containers": [
            {"name": "a", "imagee": "i", "ports": [{"containerPort": 80, "protocol": "TCP", "odd": 1}]},
            {"name": "b", "imagee": "i"},
        ]
    },
}

MESSAGES = {
    "at the top": (
        "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .surprise: field not declared in schema",
        [(".surprise",)],
    ),
    "deep inside": (
        'failed ... Kind=Deployment): .spec.containers[name="a"].imagee: field not declared in schema',
        [(".spec", ".containers", '[name="a"]', ".imagee")],
    ),
    "several": (
        "failed ...: errors:\n  .surprise: field not declared in schema\n  .spec.other: field not declared in schema",
        [(".surprise",), (".spec", ".other")],
    ),
    "another error": ("failed ...: .spec.replicas: expected numeric (int or float), got string", []),
}


@pytest.mark.parametrize(("message", "paths"), MESSAGES.values(), ids=MESSAGES)
def test_reads_the_server_s_message(message: str, paths: list[tuple[str, ...]]) -> None:
    assert undeclared_fields(message) == paths


def test_drops_what_was_named_and_nothing_else() -> None:
    assert "surprise" not in without_fields(POD, [(".surprise",)])
    one = without_fields(POD, [(".spec", ".containers", '[name="a"]', ".imagee")])
    assert [sorted(container) for container in one["spec"]["containers"]] == [
        ["name", "ports"],
        ["imagee", "name"],
    ]
    two = without_fields(
        POD, [(".spec", ".containers", '[name="a"]', ".ports", '[containerPort=80,protocol="TCP"]', ".odd")]
    )
    assert two["spec"]["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert POD["spec"]["containers"][0]["ports"][0]["odd"] == 1
    assert without_fields(POD, [(".not", ".there")]) == POD


def test_only_built_in_kinds_are_trimmed() -> None:
    assert all(map(is_built_in, ["v1", "apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1", "policy/v1"]))
    assert not any(map(is_built_in, ["example.com/v1", "gateway.networking.k8s.io/v1", "cert-manager.io/v1"]))


@given(st.text(alphabet='.[]="abc, :\n'))
def test_any_message_can_be_read(text: str) -> None:
    without_fields(POD, undeclared_fields(text + ": field not declared in schema"))
