"""A release's tools on a real API, with fixed texts in the place of a chart's templates."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from controllers.helm.actions.install import install
from controllers.helm.actions.requests import Content, Install, PostRender, Upgrade, Wait
from controllers.helm.actions.toolbox import Tools
from controllers.helm.actions.upgrade import upgrade
from controllers.helm.release.record import Release
from controllers.helm.release.storage import Storage
from shared.charts.capabilities import Capabilities
from shared.charts.engine import RenderRequest
from shared.charts.hooks import arrange
from shared.charts.rendered import ChartCrd, Rendered
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.tracker import Tracker
from shared.model.kinds import CONFIG_MAP, Resource
from shared.model.meta import Object, ObjectKey

ORIGIN = {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "apps"}
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
JOB = Resource("batch", "v1", "Job", "jobs")
DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments")
FAIL = "localcluster.headwater.dev/fail"


@dataclass
class Templates:
    """The render port: what it renders does not depend on values."""

    files: dict[str, str] = field(default_factory=dict)
    crds: tuple[ChartCrd, ...] = ()
    version: str = "1.0.0"
    requests: list[RenderRequest] = field(default_factory=list)

    async def render(self, request: RenderRequest) -> Rendered:
        self.requests.append(request)
        arranged = arrange(self.files)
        chart: Object = {
            "metadata": {"name": "demo", "version": self.version, "apiVersion": "v2"},
            "lock": None,
            "templates": [],
            "values": {"size": 1, "kept": "default"},
            "schema": None,
            "schemamodtime": "0001-01-01T00:00:00Z",
            "files": [],
            "modtime": "0001-01-01T00:00:00Z",
        }
        return Rendered(arranged.manifest, arranged.hooks, "notes\n", self.crds, chart, dict(request.values))


@dataclass
class Stage:
    """One release `web` in a namespace of its own."""

    client: KubeClient
    namespace: str
    tracker: Tracker
    templates: Templates = field(default_factory=Templates)
    stages: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        storage = Storage(
            self.client,
            self.namespace,
            "web",
            on_write=lambda release: self.stored.append(f"v{release.version} {release.status}"),
        )
        self.tools = Tools(
            client=self.client,
            discovery=Discovery(self.client),
            tracker=self.tracker,
            storage=storage,
            engine=self.templates,
            owner=ObjectKey("apps", "web"),
            on_stage=self.stages.append,
        )

    @property
    def storage(self) -> Storage:
        return self.tools.storage

    def chart(self, *objects: Object, **crds: Object) -> None:
        """From now on the chart renders these."""
        self.templates.files = {
            f"demo/templates/{number:02}.yaml": json.dumps(obj) for number, obj in enumerate(objects)
        }
        self.templates.crds = tuple(
            ChartCrd(f"crds/{name}.yaml", f"demo/crds/{name}.yaml", json.dumps(obj))
            for name, obj in crds.items()
        )

    def content(self, values: Mapping[str, Any] | None = None, **changes: Any) -> Content:
        request = RenderRequest(
            Path("demo.tgz"), "web", self.namespace, Capabilities("v1.36.0", frozenset({"v1"})), values or {}
        )
        return replace(Content(request, PostRender(origin=ORIGIN)), **changes)

    async def install(self, *objects: Object, wait: Wait | None = None, **changes: Any) -> Release:
        self.chart(*objects)
        return await install(self.tools, Install(self.content(), wait or waits(), **changes))

    async def upgrade(self, *objects: Object, wait: Wait | None = None, **changes: Any) -> Release:
        self.chart(*objects)
        return await upgrade(self.tools, Upgrade(self.content(), wait or waits(), **changes))

    async def find(self, name: str, resource: Resource = CONFIG_MAP) -> Object | None:
        return await self.client.find(resource, self.namespace, name)

    async def data(self, name: str) -> dict[str, str] | None:
        """The data of a ConfigMap, None when there is none of that name."""
        found = await self.find(name)
        return None if found is None else found.get("data") or {}

    async def heads(self) -> list[str]:
        return [f"v{head.version} {head.status}" for head in await self.storage.history()]

    async def until(self, name: str, resource: Resource) -> None:
        """Wait until there is such an object."""
        async with asyncio.timeout(10):
            while await self.find(name, resource) is None:
                await asyncio.sleep(0.01)


def waits(seconds: float = 20, **changes: Any) -> Wait:
    return replace(Wait(timedelta(seconds=seconds)), **changes)


def config_map(name: str, annotations: Mapping[str, str] | None = None, **data: str) -> Object:
    metadata: Object = {"name": name} | ({"annotations": dict(annotations)} if annotations else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(name: str, *, image: str = "nginx:1", **annotations: str) -> Object:
    template = {
        "metadata": {"labels": {"app": name}, "annotations": annotations},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def job(name: str, *, pod: Mapping[str, str] | None = None, **annotations: str) -> Object:
    """`annotations` are the Job's, with `_` for the prefix of hooks; `pod` those of its pods."""
    template = {
        "metadata": {"annotations": dict(pod or {})},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "work", "image": "busybox"}]},
    }
    metadata = {"name": name, "annotations": annotations}
    spec = {"backoffLimit": 0, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def hook(obj: Object, events: str, *, weight: int = 0, policy: str = "") -> Object:
    """The same object as a hook."""
    words = {"helm.sh/hook": events}
    if weight:
        words["helm.sh/hook-weight"] = str(weight)
    if policy:
        words["helm.sh/hook-delete-policy"] = policy
    metadata = obj["metadata"]
    annotations = {**(metadata.get("annotations") or {}), **words}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}
