"""What the tests of ImageUpdateAutomation say often."""

from __future__ import annotations

from typing import Any

from shared.model.kinds import IMAGE_POLICY, IMAGE_UPDATE_AUTOMATION
from shared.model.meta import Object
from tests.e2e.world import World, condition

MAIN = {"branch": "main"}
AUTHOR = {"name": "Bot", "email": "bot@example.org"}


async def automation(world: World, name: str = "auto", **spec: Any) -> Object:
    """Of the GitRepository "repo"; `commit` and `push` and `checkout` go where they belong."""
    git = {key: spec.pop(key) for key in ("push", "checkout") if key in spec}
    git["commit"] = {"author": AUTHOR} | spec.pop("commit", {})
    given = {"interval": "1h", "sourceRef": {"kind": "GitRepository", "name": "repo"}, "git": git}
    return await world._make(IMAGE_UPDATE_AUTOMATION, name, given | spec)


async def policy(world: World, tag: str, name: str = "app", *, digest: str = "", **labels: str) -> None:
    """A policy that has chosen, with nobody to choose again."""
    metadata = {"name": name, "namespace": world.namespace, "labels": labels}
    spec = {"imageRepositoryRef": {"name": "none"}, "policy": {"semver": {"range": "*"}}}
    obj = {
        "apiVersion": IMAGE_POLICY.api_version,
        "kind": IMAGE_POLICY.kind,
        "metadata": metadata,
        "spec": spec,
    }
    await world.client.create(IMAGE_POLICY, obj)
    await choose(world, tag, name, digest=digest)


async def choose(world: World, tag: str, name: str = "app", *, digest: str = "") -> None:
    latest = {"name": "registry.test/app", "tag": tag} | ({"digest": digest} if digest else {})
    await world.client.patch(
        IMAGE_POLICY, world.namespace, name, {"status": {"latestRef": latest}}, subresource="status"
    )


async def settled(world: World, name: str = "auto", *, pushed: str = "", seconds: float = 20.0) -> Object:
    """Wait until it is ready, and the commit `pushed` is what it pushed last."""

    def holds(obj: Object) -> bool:
        status = obj.get("status") or {}
        ready = condition(obj, "Ready").get("status") == "True" and not condition(obj, "Reconciling")
        return ready and (not pushed or status.get("lastPushCommit") == pushed)

    return await world.until(IMAGE_UPDATE_AUTOMATION, name, holds, seconds=seconds)


async def rerun(world: World, name: str = "auto") -> Object:
    """Ask for a run and wait until it is over, whatever its end."""
    token = await world.request(IMAGE_UPDATE_AUTOMATION, name)
    return await world.until(
        IMAGE_UPDATE_AUTOMATION, name, lambda obj: obj["status"].get("lastHandledReconcileAt") == token
    )


def marked(world: World, tag: str = "1.0.0") -> str:
    """A Deployment with a marker that names the policy of this test's namespace."""
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n"
        "  template:\n    spec:\n      containers:\n"
        f'        - image: registry.test/app:{tag} # {{"$imagepolicy": "{world.namespace}:app"}}\n'
        "          name: web # a comment\n"
    )
