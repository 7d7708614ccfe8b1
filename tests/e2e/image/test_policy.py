"""ImagePolicies: what they choose, who may, when digests are asked for, and what they say when they fail."""

from __future__ import annotations

import pytest

from shared.model.kinds import IMAGE_POLICY, IMAGE_REPOSITORY
from tests.e2e.conftest import NAMESPACE
from tests.e2e.image.words import chosen, handled, message, told
from tests.e2e.world import World, condition
from tests.fakes.registry import FakeRegistry

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("scanning")]

TAGS = ("1.0.0", "1.0.1", "1.1.0-rc.1", "main-aaa-100", "main-bbb-99", "dev-ccc-500", "1.2")
TIMED = {"pattern": "^main-[a-z]+-(?P<ts>[0-9]+)$", "extract": "$ts"}
RULES = {
    "semver": ({"semver": {"range": "^1.0.0"}}, None, "1.0.1"),
    "prerelease": ({"semver": {"range": ">=1.0.0-0"}}, None, "1.1.0-rc.1"),
    "alphabetical": ({"alphabetical": {}}, None, "main-bbb-99"),
    "descending": ({"alphabetical": {"order": "desc"}}, {"pattern": "-"}, "1.1.0-rc.1"),
    "numerical": ({"numerical": {}}, TIMED, "main-aaa-100"),
    "bytewise": ({"alphabetical": {}}, TIMED, "main-bbb-99"),
}
FAILURES = {
    "nothing": ({"policy": {}}, "InvalidPolicy", "invalid policy: "),
    "range": ({"policy": {"semver": {"range": "newest"}}}, "InvalidPolicy", "improper constraint: newest"),
    "pattern": ({"filterTags": {"pattern": "(?=x)"}}, "InvalidPolicy", "failed to filter tags: invalid"),
    "none": ({"policy": {"semver": {"range": ">9"}}}, "Failure", "unable to determine latest version"),
    "number": (
        {"policy": {"numerical": {}}},
        "Failure",
        "failed to parse invalid numeric value 'main-bbb-99'",
    ),
    "filtered": ({"filterTags": {"pattern": "^x$"}}, "Failure", "version list argument cannot be empty"),
    "bomb": ({"filterTags": {"pattern": "^(a+)+$"}}, "Failure", "version list argument cannot be empty"),
    "gone": ({"imageRepositoryRef": {"name": "gone"}}, "DependencyNotReady", "does not exist"),
    "invalid": ({"imageRepositoryRef": {"name": "invalid"}}, "ImageURLInvalid", "remove 'oci://'"),
}


async def test_rules(world: World, server: FakeRegistry) -> None:
    server.add_tags(*TAGS)
    await world.image_repository(image=f"{server.host}/team/app")
    for name, (policy, tag_filter, _) in RULES.items():
        await world.image_policy(name, policy=policy, **({"filterTags": tag_filter} if tag_filter else {}))
    for name, (_, _, tag) in RULES.items():
        await chosen(world, tag, name)


async def test_failures_say_what_is_wrong(world: World, server: FakeRegistry) -> None:
    server.add_tags(*TAGS)
    await world.image_repository(image=f"{server.host}/team/app")
    await world.image_repository("invalid", image="oci://x.example/app")
    await world.ready(IMAGE_REPOSITORY, "app")
    for name, (spec, _, _) in FAILURES.items():
        await world.image_policy(name, **spec)
    for name, (_, reason, words) in FAILURES.items():
        obj = await world.failing(IMAGE_POLICY, name, reason)
        assert words in message(obj), name
        stalled = reason in {"InvalidPolicy", "ImageURLInvalid"}
        assert (condition(obj, "Stalled").get("status") == "True") is stalled, name


async def test_a_policy_waits_for_the_first_scan(world: World, server: FakeRegistry) -> None:
    await world.image_repository(image=f"{server.host}/team/app")
    await world.image_policy()
    obj = await world.failing(IMAGE_POLICY, "app", "DependencyNotReady")
    assert message(obj) == "retrying in 1s error: no tags in database"
    server.add_tags("1.0.0")
    await world.request(IMAGE_REPOSITORY, "app")
    await chosen(world, "1.0.0")


async def test_a_failing_policy_keeps_its_last_choice(world: World, server: FakeRegistry) -> None:
    server.add_tags("1.0.0")
    await world.image_repository(image=f"{server.host}/team/app")
    await world.image_policy()
    before = await chosen(world, "1.0.0")
    await world.change(IMAGE_POLICY, "app", policy={"semver": {"range": ">9"}})
    obj = await world.failing(IMAGE_POLICY, "app", "Failure")
    assert obj["status"]["latestRef"] == before["status"]["latestRef"]
    await world.change(IMAGE_POLICY, "app", suspend=True)
    token = await world.request(IMAGE_POLICY, "app")
    seen = await world.until(
        IMAGE_POLICY, "app", lambda obj: obj["status"].get("lastHandledReconcileAt") == token
    )
    assert condition(seen, "Ready") == condition(obj, "Ready")


async def test_digests(world: World, server: FakeRegistry) -> None:
    image = f"{server.host}/team/app"
    digest = server.add_tags("1.0.0")
    await world.image_repository(image=image)
    await world.image_policy("once", digestReflectionPolicy="IfNotPresent")
    await world.image_policy("always", digestReflectionPolicy="Always", interval="1s")
    for name in ("once", "always"):
        obj = await chosen(world, "1.0.0", name)
        assert obj["status"]["latestRef"] == {"name": image, "tag": "1.0.0", "digest": digest}
        assert message(obj) == f"Latest image tag for {image} resolved to 1.0.0 with digest {digest}"

    moved = server.add_tags("1.0.0", annotations={"moved": "yes"})
    obj = await world.until(
        IMAGE_POLICY, "always", lambda obj: obj["status"]["latestRef"].get("digest") == moved
    )
    assert obj["status"]["observedPreviousRef"]["digest"] == digest
    await told(world, "always", f"(previously {image}:1.0.0@{digest})")
    once = await handled(world, "once", IMAGE_POLICY)
    assert once["status"]["latestRef"]["digest"] == digest

    del server.manifests["team/app", "1.0.0"]
    failing = await world.failing(IMAGE_POLICY, "always", "Failed")
    assert message(failing).startswith(f"failed fetching digest of {image}:1.0.0: ")
    assert failing["status"]["latestRef"]["digest"] == moved

    await world.change(IMAGE_POLICY, "once", digestReflectionPolicy="Never")
    obj = await world.until(IMAGE_POLICY, "once", lambda obj: "digest" not in obj["status"]["latestRef"])
    assert obj["status"]["observedPreviousRef"]["digest"] == digest


async def test_an_interval_goes_with_always_alone(world: World) -> None:
    for spec, words in (
        ({"interval": "1m"}, "is only accepted when"),
        ({"digestReflectionPolicy": "Always"}, "must be set when"),
    ):
        with pytest.raises(Exception, match=words):
            await world.image_policy(**spec)


async def test_who_may_refer_to_a_repository_of_another_namespace(world: World, server: FakeRegistry) -> None:
    server.add_tags("1.0.0")
    other = f"{world.namespace}-shared"
    await world.client.create(
        NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}}
    )
    shared = World(world.client, world.discovery, other, world.run_id, world.kubeconfig)
    try:
        await shared.image_repository(image=f"{server.host}/team/app")
        await shared.ready(IMAGE_REPOSITORY, "app")
        await world.image_policy(imageRepositoryRef={"name": "app", "namespace": other})
        obj = await world.failing(IMAGE_POLICY, "app", "AccessDenied")
        assert message(obj).endswith(
            f"'{other}/app' can't be accessed due to missing ACL labels on 'accessFrom'"
        )

        denied = [{"matchLabels": {"team": "x"}}]
        await shared.change(IMAGE_REPOSITORY, "app", accessFrom={"namespaceSelectors": denied})
        mismatch = f"due to ACL labels mismatch on namespace '{world.namespace}'"
        await world.until(IMAGE_POLICY, "app", lambda obj: message(obj).endswith(mismatch))

        name = {"kubernetes.io/metadata.name": world.namespace}
        allowed = {"namespaceSelectors": [*denied, {"matchLabels": name}]}
        await shared.change(IMAGE_REPOSITORY, "app", accessFrom=allowed)
        await chosen(world, "1.0.0")
    finally:
        await shared.clean_up()
        await world.client.delete(NAMESPACE, "", other)
