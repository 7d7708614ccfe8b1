"""What an end-to-end test says: make this object, wait until that holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import Conflict, NotFound
from shared.model.kinds import (
    ARTIFACT_GENERATOR,
    BUCKET,
    GIT_REPOSITORY,
    HELM_RELEASE,
    IMAGE_POLICY,
    IMAGE_REPOSITORY,
    KUSTOMIZATION,
    OCI_REPOSITORY,
    Resource,
)
from shared.model.meta import REQUESTED_AT, Object, ObjectRef
from tests.status_laws import broken_laws

RUN_LABEL = "headwater.test/run"
PATIENCE = 30.0


@dataclass
class World:
    """One namespace on some API server."""

    client: KubeClient
    discovery: Discovery
    namespace: str
    run_id: str
    kubeconfig: Path
    _made: list[tuple[Resource, str]] = field(default_factory=list)

    async def git_repository(self, name: str = "repo", **spec: Any) -> Object:
        return await self._make(GIT_REPOSITORY, name, {"interval": "1h"} | spec)

    async def oci_repository(self, name: str = "app", **spec: Any) -> Object:
        return await self._make(OCI_REPOSITORY, name, {"interval": "1h", "insecure": True} | spec)

    async def bucket(self, name: str = "objects", **spec: Any) -> Object:
        return await self._make(BUCKET, name, {"interval": "1h", "insecure": True} | spec)

    async def artifact_generator(self, name: str = "parts", **spec: Any) -> Object:
        return await self._make(ARTIFACT_GENERATOR, name, spec)

    async def image_repository(self, name: str = "app", **spec: Any) -> Object:
        return await self._make(IMAGE_REPOSITORY, name, {"interval": "1h", "timeout": "20s"} | spec)

    async def image_policy(self, name: str = "app", **spec: Any) -> Object:
        given = {"imageRepositoryRef": {"name": "app"}, "policy": {"semver": {"range": "*"}}}
        return await self._make(IMAGE_POLICY, name, given | spec)

    async def kustomization(self, name: str = "web", **spec: Any) -> Object:
        given = {"interval": "1h", "retryInterval": "1s", "prune": True, "timeout": "30s"}
        return await self._make(
            KUSTOMIZATION, name, given | {"sourceRef": {"kind": "GitRepository", "name": "repo"}} | spec
        )

    async def helm_release(self, name: str = "web", **spec: Any) -> Object:
        return await self._make(HELM_RELEASE, name, {"interval": "1h", "timeout": "20s"} | spec)

    async def change(self, resource: Resource, name: str, **spec: Any) -> Object:
        """A merge patch of the spec."""
        return await self.client.patch(resource, self.namespace, name, {"spec": spec})

    async def request(self, resource: Resource, name: str) -> str:
        """Ask for a reconcile, as the flux command line does; returns the token."""
        token = f"{time.time_ns()}"
        patch = {"metadata": {"annotations": {REQUESTED_AT: token}}}
        await self.client.patch(resource, self.namespace, name, patch)
        return token

    async def get(self, resource: Resource, name: str) -> Object:
        return await self.client.get(resource, self.namespace, name)

    async def find(
        self, api_version: str, kind: str, name: str, namespace: str | None = None
    ) -> Object | None:
        """Any object; in the test's namespace unless another one is named."""
        resource = await self.discovery.resource_of(ObjectRef(api_version, kind, "", name))
        return await self.client.find(resource, self.namespace if namespace is None else namespace, name)

    async def ready(
        self, resource: Resource, name: str, *, revision: str = "", seconds: float = PATIENCE
    ) -> Object:
        """Wait for Ready=True, of this generation (and revision, when one is named)."""

        def holds(obj: Object) -> bool:
            return (
                condition(obj, "Ready").get("status") == "True"
                and obj["status"].get("observedGeneration") == obj["metadata"]["generation"]
                and (not revision or _revision(obj) == revision)
            )

        obj = await self.until(resource, name, holds, seconds=seconds)
        assert broken_laws(obj) == []
        return obj

    async def failing(
        self, resource: Resource, name: str, reason: str, *, seconds: float = PATIENCE
    ) -> Object:
        """Wait for Ready=False with that reason."""

        def holds(obj: Object) -> bool:
            ready = condition(obj, "Ready")
            return (ready.get("status"), ready.get("reason")) == ("False", reason)

        obj = await self.until(resource, name, holds, seconds=seconds)
        assert broken_laws(obj) == []
        return obj

    async def until(
        self, resource: Resource, name: str, holds: Callable[[Object], bool], *, seconds: float = PATIENCE
    ) -> Object:
        last: Object = {}

        async def check() -> bool:
            nonlocal last
            last = await self.get(resource, name)
            return holds(last)

        try:
            await eventually(check, seconds=seconds)
        except TimeoutError:
            raise AssertionError(
                f"{resource.kind}/{name} after {seconds:.0f} s: {last.get('status')}"
            ) from None
        return last

    async def gone(self, api_version: str, kind: str, name: str, *, seconds: float = PATIENCE) -> None:
        async def check() -> bool:
            return await self.find(api_version, kind, name) is None

        await eventually(check, seconds=seconds)

    async def events(self, name: str) -> list[Object]:
        """Core events about the object of that name."""
        events = await self.client.list(Resource("", "v1", "Event", "events"), self.namespace)
        return [item for item in events.items if item["involvedObject"].get("name") == name]

    async def clean_up(self) -> None:
        """Kustomizations first: their finalizers need the controllers, which still run."""
        for resource, name in reversed(self._made):
            try:
                await self.client.delete(resource, self.namespace, name)
            except NotFound:
                continue
        for resource, name in reversed(self._made):
            if await self._lingers(resource, name):
                await self._force_out(resource, name)

    async def _lingers(self, resource: Resource, name: str) -> bool:
        async def check() -> bool:
            return await self.client.find(resource, self.namespace, name) is None

        try:
            await eventually(check, seconds=5)
        except TimeoutError:
            return True
        return False

    async def _force_out(self, resource: Resource, name: str) -> None:
        """A test that killed the controllers leaves finalizers that nobody answers."""
        try:
            await self.client.patch(resource, self.namespace, name, {"metadata": {"finalizers": None}})
        except (NotFound, Conflict):
            return

    async def _make(self, resource: Resource, name: str, spec: Object) -> Object:
        metadata = {"name": name, "namespace": self.namespace, "labels": {RUN_LABEL: self.run_id}}
        obj = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "spec": spec}
        self._made.append((resource, name))
        return await self.client.create(resource, obj)


def condition(obj: Object, kind: str) -> Object:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((item for item in conditions if item["type"] == kind), {})


def _revision(obj: Object) -> str:
    status = obj["status"]
    return str(status.get("lastAppliedRevision") or (status.get("artifact") or {}).get("revision") or "")


async def eventually(check: Callable[[], Awaitable[bool]], *, seconds: float = PATIENCE) -> float:
    """Poll until it holds; returns the seconds it took. Raises TimeoutError."""
    started = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.03)
    return time.monotonic() - started
