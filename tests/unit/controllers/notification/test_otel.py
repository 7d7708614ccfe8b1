"""The trace as another reader of protobuf sees it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from controllers.notification.notifiers import NOTIFIERS
from controllers.notification.notifiers.notice import AlertRef
from controllers.notification.notifiers.otel import render, trace_id, traces
from tests.unit.controllers.notification.words import REVISION, notice

ALERT = AlertRef("apps", "all", "alert-uid")


def fields(raw: bytes) -> dict[int, list[Any]]:
    """By number: varints and fixed64 as numbers, the rest as bytes."""
    found: dict[int, list[Any]] = {}
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(raw):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            value: Any = varint()
        else:
            length = {1: 8, 2: 0}[kind] or varint()
            value = raw[at : at + length]
            at += length
            value = int.from_bytes(value, "little") if kind == 1 else value
        found.setdefault(number, []).append(value)
    return found


def pairs(items: list[bytes]) -> dict[str, str]:
    read = [fields(item) for item in items]
    return {item[1][0].decode(): fields(item[2][0])[1][0].decode() for item in read}


def test_the_trace_id_of_the_contract() -> None:
    assert trace_id("alert-uid", {"revision": REVISION}).hex() == "57c7067f3ecbcc4c618f8f467acee902"
    charts = {"app-version": "1", "oci-digest": "sha256:a", "revision": "r"}
    assert trace_id("u", charts) != trace_id("u", {"revision": "r"})


def test_a_failure_is_a_span_with_an_error() -> None:
    given = replace(notice(), alert=ALERT)
    (resource_spans,) = fields(traces(given, 1_800_000_000_000_000_000))[1]
    resource, scope_spans = (fields(resource_spans)[number][0] for number in (1, 2))
    assert pairs(fields(resource)[1]) == {
        "service.name": "apps/all",
        "service.namespace": "apps",
        "service.instance.id": "alert-uid",
    }
    assert fields(fields(scope_spans)[1][0])[1] == [b"flux:notification-controller"]
    span = fields(fields(scope_spans)[2][0])
    assert span[1] == [bytes.fromhex("57c7067f3ecbcc4c618f8f467acee902")]
    assert (len(span[2][0]), span[5], span[6]) == (8, [b"Kustomization: apps/webapp"], [1])
    assert (span[7], span[8]) == ([1_767_323_045_000_000_000], [1_800_000_000_000_000_000])
    assert pairs(span[9])["object.kind"] == "Kustomization"
    assert pairs(span[9])["revision"] == REVISION
    assert fields(span[15][0]) == {2: [b"Health check failed after 30s"], 3: [2]}


def test_where_it_goes_and_who_asks() -> None:
    (request,) = render(notice(address="http://collector:4318", token="t"))
    assert request.url == "http://collector:4318/v1/traces"
    assert request.headers == {"Content-Type": "application/x-protobuf", "Authorization": "Bearer t"}
    (request,) = render(notice(address="http://c/own", token="t", headers={"authorization": "mine"}))
    assert (request.url, request.headers["authorization"]) == ("http://c/own", "mine")
    assert "Authorization" not in request.headers


async def test_helm_repositories_are_not_told() -> None:
    given = notice()
    quiet = replace(given, event=replace(given.event, involved={"kind": "HelmRepository"}))
    assert list(render(quiet)) == []
    assert "otel" in NOTIFIERS
