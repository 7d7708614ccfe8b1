"""One attack: a Kustomization of a hostile artifact, and a healthy neighbour that must not feel it."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.model.kinds import CONFIG_MAP, GIT_REPOSITORY, KUSTOMIZATION
from shared.model.meta import Object
from tests.attack import archives
from tests.attack.artifact_server import ArtifactServer
from tests.e2e.processes import ControllerProgram
from tests.e2e.repository import config_map
from tests.e2e.world import World, condition, eventually

MEMORY_LIMIT = 300 * 2**20
NEIGHBOUR_SECONDS = 15.0
OUTCOME_SECONDS = 90.0


@dataclass
class Arena:
    """A kustomize-controller without a source-controller: the test says what the sources' status is."""

    world: World
    server: ArtifactServer
    program: ControllerProgram

    async def source(self, name: str, content: bytes, *, revision: str = "", **artifact: Any) -> str:
        """Serve the content as the artifact of that GitRepository; returns the revision."""
        file = f"{self.world.namespace}-{name}-{secrets.token_hex(4)}.tar.gz"
        digest = self.server.put(file, content, cut=bool(artifact.pop("cut", False)))
        given = {"digest": digest, "url": f"{self.server.url}/{file}"} | artifact
        return await self.publish(name, revision=revision or f"main@{digest[:40]}", **given)

    async def publish(self, name: str, *, revision: str = "main@sha1:0", **artifact: Any) -> str:
        """Write the artifact into the status as it is given."""
        world = self.world
        if await world.client.find(GIT_REPOSITORY, world.namespace, name) is None:
            await world.git_repository(name, url="https://git.invalid/repo")
        given = {"path": name, "lastUpdateTime": "2026-01-01T00:00:00Z", "revision": revision} | artifact
        given = {key: value for key, value in given.items() if value is not None}
        await world.client.patch(
            GIT_REPOSITORY, world.namespace, name, {"status": {"artifact": given}}, subresource="status"
        )
        return revision

    async def settle(self) -> None:
        """A neighbour that is ready, before anything bad happens."""
        await self.source("good", archives.of_files({"a.yaml": config_map("neighbour", round="1")}))
        await self.kustomization("neighbour", "good")
        await self.world.ready(KUSTOMIZATION, "neighbour")
        (Path("/proc") / str(self.program.pid) / "clear_refs").write_text("5")

    async def kustomization(self, name: str = "victim", source: str = "evil", **spec: Any) -> Object:
        given = {"targetNamespace": self.world.namespace, "retryInterval": "1h"}
        ref = {"kind": "GitRepository", "name": source}
        return await self.world.kustomization(name, **given | {"sourceRef": ref} | spec)

    async def neighbour_moves(self) -> float:
        """Give the neighbour a new revision; the seconds until it was applied."""
        token, started = f"round-{secrets.token_hex(4)}", time.monotonic()
        await self.source("good", archives.of_files({"a.yaml": config_map("neighbour", round=token)}))

        async def moved() -> bool:
            found = await self.world.client.find(CONFIG_MAP, self.world.namespace, "neighbour")
            return found is not None and found["data"]["round"] == token

        await eventually(moved, seconds=NEIGHBOUR_SECONDS)
        return time.monotonic() - started

    async def refused(
        self, reason: str, words: str, name: str = "victim", *, seconds: float = OUTCOME_SECONDS
    ) -> Object:
        """The attack ended in that reason with such a message, and nobody else noticed."""
        await self.neighbour_moves()
        obj = await self.world.until(KUSTOMIZATION, name, _is_settled, seconds=seconds)
        ready = condition(obj, "Ready")
        assert ready["reason"] == reason, ready
        assert re.search(words, ready["message"]), ready["message"]
        assert len(ready["message"]) < 8_000
        self.require_unharmed()
        return obj

    def require_unharmed(self) -> None:
        assert self.program.alive, self.program.tail()
        peak = peak_memory(self.program.pid)
        assert peak < MEMORY_LIMIT, f"the controller grew to {peak / 2**20:.0f} MiB"


def _is_settled(obj: Object) -> bool:
    ready = condition(obj, "Ready")
    return ready.get("status") == "False" or (
        ready.get("status") == "True" and not condition(obj, "Reconciling")
    )


def peak_memory(pid: int) -> int:
    """The most that the process has held since the test began, in bytes."""
    status = (Path("/proc") / str(pid) / "status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
