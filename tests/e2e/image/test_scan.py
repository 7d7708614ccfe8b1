"""ImageRepositories: what a scan finds, what it costs, and what it says when it fails."""

from __future__ import annotations

import pytest

from shared.model.kinds import IMAGE_POLICY, IMAGE_REPOSITORY, SERVICE_ACCOUNT
from shared.oci.docker_config import Login
from tests.e2e.image.words import chosen, handled, message, pull_secret, told
from tests.e2e.processes import ControllerProgram
from tests.e2e.world import World, condition
from tests.fakes.registry import FakeRegistry

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("scanning")]


async def test_from_a_push_to_the_latest_image(world: World, server: FakeRegistry) -> None:
    server.add_tags("1.0.0", "1.0.1", "sha256-0.sig", "latest")
    image = f"{server.host}/team/app"
    await world.image_repository(image=image)
    await world.image_policy(policy={"semver": {"range": ">=1.0"}})

    obj = await world.ready(IMAGE_REPOSITORY, "app")

    result = obj["status"]["lastScanResult"]
    assert (result["tagCount"], result["latestTags"]) == (3, ["latest", "1.0.1", "1.0.0"])
    assert obj["status"]["canonicalImageName"] == image
    assert obj["status"]["observedExclusionList"] == [r"^.*\.sig$"]
    found = f"successful scan: found 3 tags with checksum {result['revision']}"
    assert message(obj) == found
    await told(world, "app", found)
    policy = await chosen(world, "1.0.1")
    assert policy["status"]["latestRef"] == {"name": image, "tag": "1.0.1"}
    assert message(policy) == f"Latest image tag for {image} resolved to 1.0.1"

    server.add_tags("1.1.0")
    await handled(world)
    policy = await chosen(world, "1.1.0")
    assert policy["status"]["observedPreviousRef"] == {"name": image, "tag": "1.0.1"}
    await told(world, "app", f"resolved to 1.1.0 (previously {image}:1.0.1)")


async def test_a_scan_that_finds_nothing_new_wakes_no_policy(
    world: World, server: FakeRegistry, scanning: ControllerProgram
) -> None:
    server.add_tags("1.0.0")
    await world.image_repository(image=f"{server.host}/team/app")
    await world.image_policy()
    before = await chosen(world, "1.0.0")
    attempts = scanning.metric("controller_runtime_reconcile_total", controller="imagepolicy")
    await handled(world)
    await told(world, "app", "tags did not change, next scan in")
    after = await world.get(IMAGE_POLICY, "app")
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert scanning.metric("controller_runtime_reconcile_total", controller="imagepolicy") == attempts


async def test_equal_repositories_are_scanned_once(world: World, server: FakeRegistry) -> None:
    server.add_tags("1.0.0")
    names = [f"app-{number}" for number in range(8)]
    for name in names:
        await world.image_repository(name, image=f"{server.host}/team/app")
    await world.image_repository("another", image=f"{server.host}/team/app", exclusionList=["^0"])
    for name in (*names, "another"):
        await world.ready(IMAGE_REPOSITORY, name)
    assert server.seen("GET", "/tags/list") == 2


async def test_logins(world: World, server: FakeRegistry) -> None:
    server.add_tags("1.0.0")
    server.username, server.password, server.bearer = "ada", "hunter2", True
    await pull_secret(world, "pull", server.host, Login(server.username, server.password))
    account = {"metadata": {"name": "builder", "namespace": world.namespace}}
    await world.client.create(
        SERVICE_ACCOUNT,
        {"apiVersion": "v1", "kind": "ServiceAccount", **account, "imagePullSecrets": [{"name": "pull"}]},
    )
    image = f"{server.host}/team/app"
    await world.image_repository("nobody", image=image)
    await world.image_repository("secret", image=image, secretRef={"name": "pull"})
    await world.image_repository("account", image=image, serviceAccountName="builder")
    for name in ("secret", "account"):
        await world.ready(IMAGE_REPOSITORY, name)
    refused = await world.failing(IMAGE_REPOSITORY, "nobody", "ReadOperationFailed")
    assert message(refused).startswith("scan failed: ")
    assert "hunter2" not in str(refused)


FAILURES = {
    "scheme": ({"image": "oci://x.example/app"}, "ImageURLInvalid", "remove 'oci://'"),
    "tag": ({"image": "localhost:5000/app:1.0"}, "ImageURLInvalid", "remove ':1.0'"),
    "name": ({"image": "x.example/UPPER"}, "ImageURLInvalid", "invalid repository name"),
    "gate": ({"provider": "aws", "serviceAccountName": "x"}, "FeatureGateDisabled", "please enable the"),
    "cloud": ({"provider": "gcp"}, "ReadOperationFailed", "is not one of Google"),
    "pattern": ({"exclusionList": ["("]}, "ReadOperationFailed", "failed to compile regex '('"),
    "secret": ({"secretRef": {"name": "gone"}}, "AuthenticationFailed", "/gone' not found"),
    "account": ({"serviceAccountName": "gone"}, "AuthenticationFailed", "service account '"),
    "certificate": ({"certSecretRef": {"name": "gone"}}, "AuthenticationFailed", "/gone' not found"),
    "proxy": ({"proxySecretRef": {"name": "gone"}}, "AuthenticationFailed", "/gone' not found"),
    "host": ({"image": "127.0.0.1:1/x"}, "ReadOperationFailed", "scan failed: 127.0.0.1:1"),
    "repository": ({"image": "{host}/no/such"}, "ReadOperationFailed", "404 NAME_UNKNOWN"),
}


async def test_failures_say_what_is_wrong(world: World, server: FakeRegistry) -> None:
    server.add_tags("1.0.0")
    for name, (spec, _, _) in FAILURES.items():
        image = str(spec.get("image", "{host}/team/app")).format(host=server.host)
        await world.image_repository(name, **{**spec, "image": image})
    for name, (_, reason, words) in FAILURES.items():
        obj = await world.failing(IMAGE_REPOSITORY, name, reason)
        assert words in message(obj), name
        stalled = reason in {"ImageURLInvalid", "FeatureGateDisabled"}
        assert (condition(obj, "Stalled").get("status") == "True") is stalled, name


async def test_a_pause_is_kept_by_all_repositories_of_a_registry(world: World, server: FakeRegistry) -> None:
    for path in ("team/app", "team/other"):
        server.add_tags("1.0.0", path=path)
    await world.image_repository("first", image=f"{server.host}/team/app")
    await world.ready(IMAGE_REPOSITORY, "first")
    server.busy = ["60"]
    await world.request(IMAGE_REPOSITORY, "first")
    busy = await world.failing(IMAGE_REPOSITORY, "first", "ReadOperationFailed")
    assert "answered 429" in message(busy)
    asked = len(server.calls)
    await world.image_repository("second", image=f"{server.host}/team/other")
    waiting = await world.failing(IMAGE_REPOSITORY, "second", "ReadOperationFailed")
    assert "asked for a pause" in message(waiting)
    assert len(server.calls) == asked


async def test_a_list_without_end_and_a_slow_registry(world: World, server: FakeRegistry) -> None:
    server.add_tags("1.0.0")
    server.endless = True
    await world.image_repository(image=f"{server.host}/team/app")
    obj = await world.failing(IMAGE_REPOSITORY, "app", "ReadOperationFailed")
    assert "does not come to an end" in message(obj)
    server.endless, server.silence = False, 30.0
    await world.image_repository("slow", image=f"{server.host}/team/app", timeout="1s")
    obj = await world.failing(IMAGE_REPOSITORY, "slow", "ReadOperationFailed")
    assert message(obj) == "scan failed: timed out after 1s"
    server.silence = 0.0


async def test_a_deleted_repository_leaves_no_tags(
    world: World, server: FakeRegistry, scanning: ControllerProgram
) -> None:
    server.add_tags("1.0.0")
    await world.image_repository(image=f"{server.host}/team/app")
    await world.ready(IMAGE_REPOSITORY, "app")
    stored = scanning.log.parent / "tags" / "imagerepository" / world.namespace
    assert [path.name for path in stored.iterdir()] == ["app.tags.z"]
    await world.client.delete(IMAGE_REPOSITORY, world.namespace, "app")
    await world.gone(IMAGE_REPOSITORY.api_version, IMAGE_REPOSITORY.kind, "app")
    assert list(stored.iterdir()) == []
