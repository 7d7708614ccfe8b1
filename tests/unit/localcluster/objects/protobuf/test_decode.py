"""Objects out of Kubernetes' protobuf encoding."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcluster.objects.errors import BadRequest
from localcluster.objects.protobuf.decode import read_protobuf
from localcluster.objects.protobuf.wire import fields, signed
from tests.unit.localcluster.objects.protobuf.encoding import body, message, varint

ENTRY = message((1, "key"), (2, "value"))
SCHEMA = message((5, "object"))


def spec_of(api_version: str, kind: str, spec: bytes) -> Any:
    return read_protobuf(body(api_version, kind, message((2, spec))))["spec"]


def container(*rest: tuple[int, int | float | str | bytes]) -> Any:
    spec = message((2, message((1, "app"), *rest)))
    return spec_of("v1", "Pod", spec)["containers"][0]


def test_the_envelope_names_the_kind() -> None:
    found = read_protobuf(body("v1", "ConfigMap", message((1, message((1, "settings"))), (2, ENTRY))))

    assert found == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"key": "value"},
    }


def test_options_are_of_every_version() -> None:
    found = read_protobuf(body("apps/v1", "DeleteOptions", message((1, 0), (4, "Foreground"), (5, "All"))))

    assert found == {
        "apiVersion": "apps/v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "propagationPolicy": "Foreground",
        "dryRun": ["All"],
    }


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param(message((2, ""), (3, "")), {}, id="empty text is left out"),
        pytest.param(message((8, b"")), {}, id="the zero time too"),
        pytest.param(
            message((8, message((1, 1795416000)))),
            {"creationTimestamp": "2026-11-23T06:40:00Z"},
            id="times",
        ),
        pytest.param(message((10, 0)), {"deletionGracePeriodSeconds": 0}, id="zero that was meant"),
        pytest.param(message((11, ENTRY)), {"labels": {"key": "value"}}, id="maps"),
        pytest.param(message((11, message((1, "a")))), {"labels": {"a": ""}}, id="map entries without value"),
        pytest.param(message((14, "one"), (14, "two")), {"finalizers": ["one", "two"]}, id="lists"),
        pytest.param(message((99, "later"), (1, "n")), {"name": "n"}, id="unknown numbers are skipped"),
    ],
)
def test_metadata(metadata: bytes, expected: dict[str, Any]) -> None:
    found = read_protobuf(body("v1", "Namespace", message((1, metadata))))

    assert found["metadata"] == expected


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        pytest.param(
            8,
            message((1, message((1, "cpu"), (2, message((1, "500m")))))),
            {"resources": {"limits": {"cpu": "500m"}}},
            id="quantities",
        ),
        pytest.param(
            10,
            message((1, message((2, message((1, "/"), (2, message((1, 0), (2, 80)))))))),
            {"livenessProbe": {"httpGet": {"path": "/", "port": 80}}},
            id="a number where text may stand, in an object that stands in another",
        ),
        pytest.param(
            10,
            message((1, message((2, message((2, message((1, 1), (3, "web")))))))),
            {"livenessProbe": {"httpGet": {"port": "web"}}},
            id="text where a number may stand",
        ),
        pytest.param(
            7,
            message((1, "A"), (3, message((3, message((1, message((1, "map"))), (2, "k"), (3, 0)))))),
            {
                "env": [
                    {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "map", "key": "k", "optional": False}}}
                ]
            },
            id="false that was meant",
        ),
        pytest.param(3, "sh", {"command": ["sh"]}, id="lists of text"),
        pytest.param(15, b"", {"securityContext": {}}, id="an empty object that is there"),
    ],
)  # fmt: skip
def test_containers(field: int, value: str | bytes, expected: dict[str, Any]) -> None:
    assert container((field, value)) == {"name": "app", **expected}


def test_volumes_carry_their_source() -> None:
    volume = message((1, "data"), (2, message((2, b""))))

    assert spec_of("v1", "Pod", message((1, volume)))["volumes"] == [{"name": "data", "emptyDir": {}}]


def test_secrets_are_base64() -> None:
    found = read_protobuf(body("v1", "Secret", message((2, message((1, "k"), (2, b"\xff\x00"))))))

    assert found["data"] == {"k": "/wA="}


def test_negative_numbers_and_packed_lists() -> None:
    assert spec_of("v1", "Pod", message((25, -5)))["priority"] == -5
    groups = spec_of("v1", "Pod", message((14, message((4, varint(7) + varint(8)), (4, 9)))))
    assert groups["securityContext"]["supplementalGroups"] == [7, 8, 9]


def test_managed_fields_and_extra_are_json_and_lists() -> None:
    entry = message((1, "me"), (7, message((1, b'{"f:data":{}}'))))
    found = read_protobuf(body("v1", "ConfigMap", message((1, message((17, entry))))))
    extra = message((5, message((1, "scopes"), (2, message((1, "a"), (1, "b"))))))

    assert found["metadata"]["managedFields"] == [{"manager": "me", "fieldsV1": {"f:data": {}}}]
    reviewed = spec_of("authorization.k8s.io/v1", "SubjectAccessReview", extra)
    assert reviewed == {"extra": {"scopes": ["a", "b"]}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (message((30, message((1, 1)))), {"additionalProperties": True}),
        (message((30, message((1, 0)))), {"additionalProperties": False}),
        (message((30, message((1, 1), (2, SCHEMA)))), {"additionalProperties": {"type": "object"}}),
        (message((24, message((1, SCHEMA)))), {"items": {"type": "object"}}),
        (message((24, message((2, SCHEMA)))), {"items": [{"type": "object"}]}),
        (message((8, message((1, b"5")))), {"default": 5}),
        (message((9, 1.5)), {"maximum": 1.5}),
        (message((29, message((1, "a"), (2, SCHEMA)))), {"properties": {"a": {"type": "object"}}}),
    ],
    ids=str,
)
def test_schemas_of_definitions(schema: bytes, expected: dict[str, Any]) -> None:
    version = message((1, "v1"), (4, message((1, schema))))
    spec = spec_of("apiextensions.k8s.io/v1", "CustomResourceDefinition", message((7, version)))

    assert spec["versions"][0]["schema"]["openAPIV3Schema"] == expected


def nested(levels: int) -> bytes:
    schema = b""
    for _ in range(levels):
        schema = message((28, schema))
    version = message((4, message((1, schema))))
    definition = message((2, message((7, version))))
    return body("apiextensions.k8s.io/v1", "CustomResourceDefinition", definition)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        pytest.param(b"", "does not begin", id="nothing"),
        pytest.param(b'{"kind":"Pod"}', "does not begin", id="something else"),
        pytest.param(b"k8s\0", 'no kind "" is registered', id="only the beginning"),
        pytest.param(body("v1", "Poodle", b""), 'no kind "Poodle"', id="an unknown kind"),
        pytest.param(body("v1", "Pod", b"\x0a\x7f"), "well-formed", id="cut short"),
        pytest.param(body("v1", "Pod", b"\xff" * 11), "well-formed", id="a number without end"),
        pytest.param(body("v1", "Pod", b"\x0b\x0c"), "well-formed", id="groups"),
        pytest.param(body("v1", "Pod", b"\x00\x00"), "well-formed", id="field zero"),
        pytest.param(body("v1", "Pod", message((1, 5))), "bytes were expected", id="a number for an object"),
        pytest.param(body("v1", "Pod", message((1, message((1, b"\xff"))))), "UTF-8", id="no text"),
        pytest.param(
            body("v1", "Pod", message((1, message((8, message((1, 2**62))))))),
            "out of range",
            id="a far time",
        ),
        pytest.param(
            body("v1", "Pod", message((1, message((17, message((7, message((1, b"{"))))))))),
            "not JSON",
            id="broken JSON inside",
        ),
        pytest.param(nested(500), "too deeply", id="too deep"),
        pytest.param(
            body("v1", "Pod", message((2, message((2, b"")) * 250_000))), "too many values", id="too many"
        ),
    ],
)
def test_what_cannot_be_read(sent: bytes, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        read_protobuf(sent)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_refused(noise: bytes) -> None:
    for kind in ("Pod", "Secret", "Event"):
        with contextlib.suppress(BadRequest):
            assert read_protobuf(body("v1", kind, noise))["kind"] == kind


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_integer_survives(number: int) -> None:
    [(field, _, value)] = fields(message((7, number)))

    assert field == 7
    assert isinstance(value, int)
    assert signed(value) == number
