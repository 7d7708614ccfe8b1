"""What a test says about HelmReleases: release this chart, wait until that holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controllers.helm.release.record import Release
from controllers.helm.release.storage import Storage
from shared.model.kinds import HELM_RELEASE, OCI_REPOSITORY
from shared.model.meta import Object
from tests.e2e.helm_release.charts import Chart, ChartServer
from tests.e2e.world import World, condition

SOURCE = "podinfo"


@dataclass
class Releases:
    world: World
    charts: ChartServer

    async def offer(self, chart: Chart, name: str = SOURCE) -> Object:
        """Make the source, or let it have another chart; nobody else reconciles it."""
        world = self.world
        found = await world.client.find(OCI_REPOSITORY, world.namespace, name)
        if found is None:
            obj = {
                "apiVersion": OCI_REPOSITORY.api_version,
                "kind": OCI_REPOSITORY.kind,
                "metadata": {"name": name, "namespace": world.namespace},
                "spec": {"interval": "1h", "url": "oci://registry.example.com/podinfo"},
            }
            found = await world.client.create(OCI_REPOSITORY, obj)
        status = {
            "observedGeneration": found["metadata"]["generation"],
            "artifact": self.charts.artifact(chart),
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "Succeeded",
                    "message": "stored",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }
            ],
        }
        return await world.client.patch(
            OCI_REPOSITORY, world.namespace, name, {"status": status}, subresource="status"
        )

    async def release(self, name: str = "web", **spec: Any) -> Object:
        source = {"chartRef": {"kind": "OCIRepository", "name": SOURCE}}
        if "chart" in spec:
            source = {}
        return await self.world.helm_release(name, **source | spec)

    async def ready(self, name: str = "web", **more: Any) -> Object:
        return await self.world.ready(HELM_RELEASE, name, **more)

    async def failing(self, reason: str, name: str = "web") -> Object:
        return await self.world.failing(HELM_RELEASE, name, reason)

    async def stalled(self, reason: str, name: str = "web") -> Object:
        def holds(obj: Object) -> bool:
            found = condition(obj, "Stalled")
            return (found.get("status"), found.get("reason")) == ("True", reason)

        return await self.world.until(HELM_RELEASE, name, holds)

    async def change(self, name: str = "web", **spec: Any) -> Object:
        return await self.world.change(HELM_RELEASE, name, **spec)

    async def at_version(self, version: int, name: str = "web", **more: Any) -> Object:
        """Ready, with that revision as the latest."""
        obj = await self.world.until(
            HELM_RELEASE,
            name,
            lambda obj: bool(versions(obj)) and versions(obj)[0] == version and _is_ready(obj),
            **more,
        )
        return await self.ready(name) if _is_ready(obj) else obj

    async def stored(self, name: str = "web") -> list[tuple[int, str]]:
        """Revision and status of every record."""
        heads = await Storage(self.world.client, self.world.namespace, name).history()
        return [(head.version, head.status.value) for head in heads]

    async def record(self, version: int, name: str = "web") -> Release:
        found = await Storage(self.world.client, self.world.namespace, name).get(version)
        assert found is not None
        return found

    async def text(self, name: str = "web") -> str | None:
        """What the ConfigMap of the release says."""
        found = await self.world.find("v1", "ConfigMap", f"{name}-config")
        return found["data"]["text"] if found is not None else None

    async def reasons(self, name: str = "web") -> list[str]:
        return [str(item["reason"]) for item in await self.world.events(name)]


def versions(obj: Object) -> list[int]:
    return [item["version"] for item in (obj.get("status") or {}).get("history") or ()]


def _is_ready(obj: Object) -> bool:
    return condition(obj, "Ready").get("status") == "True" and not condition(obj, "Reconciling")
