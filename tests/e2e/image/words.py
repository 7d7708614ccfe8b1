"""What the tests of images say often."""

from __future__ import annotations

import base64
import json

from shared.model.kinds import IMAGE_POLICY, IMAGE_REPOSITORY, SECRET, Resource
from shared.model.meta import Object
from shared.oci.docker_config import Login
from tests.e2e.world import World, condition, eventually


def message(obj: Object) -> str:
    return str(condition(obj, "Ready")["message"])


async def handled(world: World, name: str = "app", resource: Resource = IMAGE_REPOSITORY) -> Object:
    """Ask for a reconcile and wait until it is over."""
    token = await world.request(resource, name)

    def over(obj: Object) -> bool:
        return obj["status"].get("lastHandledReconcileAt") == token and not condition(obj, "Reconciling")

    return await world.until(resource, name, over)


async def chosen(world: World, tag: str, name: str = "app") -> Object:
    """Wait until the policy is ready with that tag."""

    def holds(obj: Object) -> bool:
        latest = (obj.get("status") or {}).get("latestRef") or {}
        return bool(latest.get("tag") == tag and condition(obj, "Ready").get("status") == "True")

    return await world.until(IMAGE_POLICY, name, holds)


async def told(world: World, name: str, text: str) -> Object:
    """The event that says so."""
    found: list[Object] = []

    async def check() -> bool:
        found[:] = [event for event in await world.events(name) if text in event["message"]]
        return bool(found)

    await eventually(check, seconds=10)
    return found[0]


async def pull_secret(world: World, name: str, host: str, login: Login) -> None:
    auths = {host: {"username": login.username, "password": login.password}}
    data = {".dockerconfigjson": base64.b64encode(json.dumps({"auths": auths}).encode()).decode()}
    metadata = {"name": name, "namespace": world.namespace}
    kind = "kubernetes.io/dockerconfigjson"
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": data}
    await world.client.create(SECRET, obj)
