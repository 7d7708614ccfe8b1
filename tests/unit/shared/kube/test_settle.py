from __future__ import annotations

import pytest
from aiohttp import web

from shared.kube.apply_errors import ObjectRefused
from shared.kube.settle import Unsettled, settle
from shared.model.kinds import Resource
from shared.model.meta import ObjectKey, ObjectRef
from tests.unit.shared.kube.fake_api import fake_api, status

CRD = Resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "crds", namespaced=False)


def definition(established: str) -> dict[str, object]:
    conditions = [{"type": "Established", "status": established, "reason": "Installing"}]
    return {
        "apiVersion": CRD.api_version,
        "kind": CRD.kind,
        "metadata": {"name": "x"},
        "status": {"conditions": conditions},
    }


def waiting() -> Unsettled:
    return Unsettled(ObjectRef(CRD.api_version, CRD.kind, "", "x"), CRD, ObjectKey("", "x"))


async def test_waits_until_it_is_established() -> None:
    answers = ["False", "False", "True"]

    async def handler(request: web.Request) -> web.Response:
        return web.json_response(definition(answers.pop(0)))

    async with fake_api(handler) as client:
        await settle(client, [waiting()], at_once=4)
    assert answers == []


async def test_names_what_is_not_ready_in_time() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(definition("False"))

    async with fake_api(handler) as client:
        with pytest.raises(ObjectRefused) as refused:
            await settle(client, [waiting()], at_once=4, within=0.1)
    assert str(refused.value) == "timeout waiting for: [CustomResourceDefinition/x status: 'InProgress']"


async def test_an_object_that_is_gone_is_not_ready() -> None:
    async def handler(request: web.Request) -> web.Response:
        return status(404)

    async with fake_api(handler) as client:
        with pytest.raises(ObjectRefused, match="NotFound"):
            await settle(client, [waiting()], at_once=4, within=0.1)


async def test_what_is_known_to_be_ready_is_not_asked() -> None:
    async def handler(request: web.Request) -> web.Response:
        raise AssertionError(request.path)

    item = waiting()
    ready = Unsettled.of(item.ref, item.resource, item.key, definition("True"))
    async with fake_api(handler) as client:
        await settle(client, [ready], at_once=4)
