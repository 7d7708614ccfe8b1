"""Every HelmRelease that was built, rendered by the engine of the controller."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path

from cli.offline.charts import ChartMissing, Charts
from cli.offline.cluster import Applied, BuiltCluster
from cli.offline.kustomizations import Problem
from cli.offline.placing import cluster_scoped_kinds, placed
from controllers.helm.actions.objects import ManifestUnusable, read_objects
from controllers.helm.actions.post_render import PostRenderFailed, post_rendered
from controllers.helm.actions.requests import PostRender, PostRenderStrategy
from controllers.helm.compose_values import values_of
from controllers.helm.failures import ValuesFailed
from shared.charts.capabilities import Capabilities
from shared.charts.engine import Engine, RenderRequest
from shared.charts.errors import ChartError
from shared.charts.rendered import Rendered
from shared.kube.errors import NotFound
from shared.logic.owner import with_metadata
from shared.model.helm import OWNER_NAME, OWNER_NAMESPACE, HelmRelease
from shared.model.kinds import HELM_RELEASE, OCI_REPOSITORY
from shared.model.meta import Object

_AT_ONCE = 2
_WITHIN = timedelta(minutes=1)


class Releases:
    """Renders into `cluster`; `kube_version` is what `.Capabilities` say."""

    def __init__(self, cluster: BuiltCluster, charts: Charts, *, kube_version: str) -> None:
        self._cluster, self._charts = cluster, charts
        self._capabilities = Capabilities(kube_version, frozenset(), exact=False)
        self._engine = Engine(size=_AT_ONCE)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> list[Problem]:
        """What could not be rendered, or is applied by two."""
        found = [item.object for item in self._cluster if item.ref.group_kind == HELM_RELEASE.group_kind]
        async with self._engine.serve():
            answers = await asyncio.gather(*map(self._one, found))
        problems: list[Problem] = []
        for raw, answer in zip(found, answers, strict=True):
            owner = f"HelmRelease/{raw['metadata']['namespace']}/{raw['metadata']['name']}"
            if isinstance(answer, str):
                problems.append(Problem(owner, answer))
                continue
            for first, second in self._cluster.add(Applied(obj, owner) for obj in answer):
                problems.append(Problem(owner, f"{second.ref} is applied by {first.owner}, too"))
        return problems

    async def _one(self, raw: Object) -> list[Object] | str:
        """The objects, or what is wrong."""
        async with self._turns:
            try:
                return await self._objects(HelmRelease.parse(raw))
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                return f"invalid spec: {error}"
            except ValuesFailed as error:
                return error.message
            except (ChartMissing, ChartError, PostRenderFailed, ManifestUnusable, NotFound) as error:
                return str(error)

    async def _objects(self, hr: HelmRelease) -> list[Object]:
        values = await values_of(hr, self._cluster)
        with tempfile.TemporaryDirectory(prefix="headwater-") as scratch:
            chart = await self._chart(hr, Path(scratch))
            request = RenderRequest(
                chart,
                hr.short_name,
                hr.release_namespace,
                self._capabilities,
                values=values,
                skip_schema_validation=hr.install.checks.disable_schema_validation,
                timeout=_WITHIN,
            )
            rendered = await self._engine.render(request)
        objects = _applied(await post_rendered(rendered, _post_render(hr)), hr)
        custom = cluster_scoped_kinds([*(item.object for item in self._cluster), *objects])
        return [placed(obj, hr.release_namespace, custom) for obj in objects]

    async def _chart(self, hr: HelmRelease, scratch: Path) -> Path:
        if hr.chart is not None:
            return await asyncio.to_thread(self._charts.obtain, hr.chart, scratch)
        ref = hr.chart_ref
        if ref is None or ref.kind != OCI_REPOSITORY.kind:
            raise ChartMissing(f"chartRef '{ref}' cannot be resolved without a cluster")
        spec = (await self._cluster.get(OCI_REPOSITORY, ref.namespace, ref.name))["spec"]
        wanted = spec.get("ref") or {}
        version = wanted.get("tag") or wanted.get("semver") or "*"
        return await asyncio.to_thread(self._charts.named, str(spec["url"]).rpartition("/")[2], version)


def _applied(rendered: Rendered, hr: HelmRelease) -> list[Object]:
    """Definitions first, then the manifest, marked as the release's own; hooks are not kept in a cluster."""
    origin = {OWNER_NAME: hr.name, OWNER_NAMESPACE: hr.namespace}
    crds = [obj for crd in rendered.crds for obj in read_objects(crd.data)]
    marked = [with_metadata(obj, labels=origin, annotations={}) for obj in crds]
    return marked + read_objects(rendered.manifest)


def _post_render(hr: HelmRelease) -> PostRender:
    common = hr.common_metadata
    return PostRender(
        kustomizations=tuple(item["kustomize"] for item in hr.post_renderers if item.get("kustomize")),
        labels=common.labels if common is not None else {},
        annotations=common.annotations if common is not None else {},
        origin={OWNER_NAME: hr.name, OWNER_NAMESPACE: hr.namespace},
        strategy=PostRenderStrategy(hr.post_render_strategy or PostRenderStrategy.COMBINED),
    )
