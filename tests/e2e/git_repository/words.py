"""What the tests of GitRepository say often."""

from __future__ import annotations

import base64
import io
import tarfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from shared.model.kinds import GIT_REPOSITORY, SECRET
from shared.model.meta import Object
from tests.e2e.processes import ControllerProgram
from tests.e2e.world import World, condition, eventually

MAIN = {"branch": "main"}


@dataclass(frozen=True)
class Source:
    program: ControllerProgram
    storage: Path


async def make_secret(world: World, name: str, **data: str) -> None:
    encoded = {
        key.replace("__", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()
    }
    metadata = {"name": name, "namespace": world.namespace}
    await world.client.create(
        SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}
    )


def content(obj: Object) -> dict[str, str]:
    """The files of the served artifact."""
    with urllib.request.urlopen(obj["status"]["artifact"]["url"], timeout=5) as answer:
        raw = answer.read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        return {m.name: tar.extractfile(m).read().decode() for m in tar if m.isfile()}


async def told(world: World, name: str, reason: str) -> Object:
    found: list[Object] = []

    async def check() -> bool:
        found[:] = [event for event in await world.events(name) if event["reason"] == reason]
        return bool(found)

    await eventually(check, seconds=10)
    return found[0]


async def handled(world: World, name: str) -> Object:
    """Ask for a reconcile and wait until it is over."""
    token = await world.request(GIT_REPOSITORY, name)

    def over(obj: Object) -> bool:
        return obj["status"].get("lastHandledReconcileAt") == token and not condition(obj, "Reconciling")

    return await world.until(GIT_REPOSITORY, name, over)
