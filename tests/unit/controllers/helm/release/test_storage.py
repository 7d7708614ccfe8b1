from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from controllers.helm.release.errors import CorruptRelease
from controllers.helm.release.record import Release, Status
from controllers.helm.release.storage import Head, Storage, stale
from shared.kube.errors import Conflict, NotFound
from shared.model.kinds import SECRET
from tests.unit.controllers.helm.actions.conftest import kubeconfig, stage
from tests.unit.controllers.helm.actions.stage import Stage
from tests.unit.controllers.helm.releases import release

__all__ = ["kubeconfig", "stage"]


def web(stage: Stage, version: int, status: Status = Status.DEPLOYED) -> Release:
    return release(version, status, namespace=stage.namespace)


async def test_records_are_secrets_as_helm_makes_them(stage: Stage) -> None:
    await stage.storage.create(replace(web(stage, 1), labels={"custom": "1", "owner": "nobody"}))

    live = await stage.client.get(SECRET, stage.namespace, "sh.helm.release.v1.web.v1")
    labels = live["metadata"]["labels"]
    assert live["type"] == "helm.sh/release.v1"
    assert labels.pop("createdAt").isdecimal()
    assert labels == {
        "name": "web", "owner": "helm", "status": "deployed", "version": "1", "custom": "1",
    }  # fmt: skip
    assert base64.b64decode(live["data"]["release"]).startswith(b"H4sI")


async def test_the_newest_revision_is_the_last(stage: Stage) -> None:
    for version in (9, 10, 2):
        await stage.storage.create(web(stage, version, Status.SUPERSEDED))
    await stage.storage.create(replace(web(stage, 11), name="other"))

    assert await stage.heads() == ["v2 superseded", "v9 superseded", "v10 superseded"]
    last = await stage.storage.last()
    assert last is not None
    assert last.version == 10
    assert await stage.storage.deployed() is None
    assert await stage.storage.get(3) is None


async def test_an_update_replaces_and_creation_does_not(stage: Stage) -> None:
    first = web(stage, 1)
    await stage.storage.create(first)
    with pytest.raises(Conflict):
        await stage.storage.create(first)

    await stage.storage.update(first.as_status(Status.FAILED, "why"))

    assert await stage.heads() == ["v1 failed"]
    with pytest.raises(NotFound):
        await stage.storage.update(web(stage, 2))
    assert stage.stored == ["v1 deployed", "v1 failed"]


async def test_purging_takes_corrupt_records_too(stage: Stage) -> None:
    await stage.storage.create(web(stage, 1))
    await stage.storage.create(web(stage, 2))
    await stage.client.patch(
        SECRET, stage.namespace, "sh.helm.release.v1.web.v1", {"data": {"release": None, "x": ""}}
    )

    with pytest.raises(CorruptRelease):
        await stage.storage.get(1)
    await stage.storage.purge()

    assert await stage.heads() == []
    assert await Storage(stage.client, stage.namespace, "web").last() is None


async def test_secrets_that_only_look_like_records_are_left_alone(stage: Stage) -> None:
    labels = {"name": "web", "owner": "helm", "status": "nonsense", "version": "1"}
    for name in ("something", "sh.helm.release.v1.web.vx"):
        metadata = {"name": name, "namespace": stage.namespace, "labels": labels}
        await stage.client.create(SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata})

    await stage.storage.purge()

    assert await stage.heads() == []
    assert await stage.find("something", SECRET) is not None


def heads(*statuses: str) -> list[Head]:
    known = {"d": Status.DEPLOYED, "s": Status.SUPERSEDED, "f": Status.FAILED}
    return [Head(number, known[status], "") for number, status in enumerate(statuses, 1)]


@pytest.mark.parametrize(
    ("statuses", "keep", "removed"),
    [
        pytest.param("sssd", 4, [], id="few enough"),
        pytest.param("sssd", 2, [1, 2], id="the oldest go"),
        pytest.param("sdff", 2, [1, 3], id="what is deployed stays"),
        pytest.param("dff", 0, [2, 3], id="even against the limit"),
        pytest.param("ddf", 1, [1, 3], id="the newest deployed one"),
        pytest.param("fff", 1, [1, 2], id="nothing is deployed"),
    ],
)
def test_what_is_pruned(statuses: str, keep: int, removed: list[int]) -> None:
    assert [head.version for head in stale(heads(*statuses), keep)] == removed
