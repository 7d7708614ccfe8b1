"""A kind with defaults, immutable fields and a status: Deployment."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from shared.kube.apply import ApplyOptions
from shared.kube.apply_errors import ApplyFailed
from shared.kube.apply_object import Rules
from shared.model.kinds import Resource
from shared.model.meta import GroupKind, Object
from tests.unit.shared.kube.conftest import Engine, actions


def deployment(engine: Engine, app: str) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": engine.namespace},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": app}},
            "template": {
                "metadata": {"labels": {"app": app}},
                "spec": {"containers": [{"name": "web", "image": "web:1", "ports": [{"containerPort": 80}]}]},
            },
        },
    }


DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments")


async def test_an_immutable_field_needs_force(engine: Engine) -> None:
    await engine.apply(deployment(engine, "one"))
    before = await engine.find("web", DEPLOYMENT)
    with pytest.raises(ApplyFailed, match=r"Deployment/.*/web dry-run failed \(Invalid\): .*immutable"):
        await engine.apply(deployment(engine, "two"))
    changes = await engine.apply(deployment(engine, "two"), options=ApplyOptions(Rules(force=True)))
    assert actions(changes) == ["web created"]
    after = await engine.find("web", DEPLOYMENT)
    assert before is not None
    assert after is not None
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["spec"]["selector"] == {"matchLabels": {"app": "two"}}


async def test_nothing_is_deleted_for_a_manifest_that_can_never_be_created(engine: Engine) -> None:
    await engine.apply(deployment(engine, "one"))
    before = await engine.find("web", DEPLOYMENT)
    broken = deployment(engine, "two")
    broken["spec"]["replicas"] = -1
    with pytest.raises(ApplyFailed, match=r"dry-run failed \(Invalid\): .*replicas"):
        await engine.apply(broken, options=ApplyOptions(Rules(force=True)))
    after = await engine.find("web", DEPLOYMENT)
    assert before is not None
    assert after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


async def test_unknown_fields_of_built_in_kinds_are_left_out(engine: Engine) -> None:
    odd = deployment(engine, "one")
    odd["spec"]["template"]["spec"]["containers"][0]["imagee"] = "typo"
    odd["surprise"] = 1
    assert actions(await engine.apply(odd)) == ["web created"]
    await engine.covered(GroupKind("apps", "Deployment"))
    assert actions(await engine.apply(odd)) == ["web unchanged"]
    assert engine.count() == {}


async def test_a_deployment_is_recognised_as_unchanged(engine: Engine) -> None:
    await engine.apply(deployment(engine, "one"))
    engine.memory.forget_all()
    assert actions(await engine.apply(deployment(engine, "one"))) == ["web unchanged"]


async def test_status_alone_is_no_drift(engine: Engine) -> None:
    await engine.apply(deployment(engine, "one"))
    await engine.covered(GroupKind("apps", "Deployment"))
    await asyncio.sleep(0.3)
    engine.drifts.clear()
    await engine.client.patch(
        DEPLOYMENT,
        engine.namespace,
        "web",
        {
            "status": {
                "conditions": [
                    {"type": "Odd", "status": "True", "reason": "x", "message": secrets.token_hex()}
                ]
            }
        },
        subresource="status",
    )
    await asyncio.sleep(0.3)
    assert engine.drifts == []
    engine.count()
    assert actions(await engine.apply(deployment(engine, "one"))) == ["web unchanged"]
    assert engine.count() == {}
