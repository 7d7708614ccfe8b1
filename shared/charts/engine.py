"""Render a chart with the genuine Helm engine, in worker processes of our own (specs/helm.md 20.2).

engine = Engine()
async with engine.serve():
    rendered = await engine.render(RenderRequest(chart, "web", "shop", capabilities))
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from shared.charts.capabilities import Capabilities
from shared.charts.engine_lookup import ClusterReader, LookupAnswer, LookupFailed, LookupServer
from shared.charts.errors import InvalidValues
from shared.charts.pool import Limits, WorkerPool
from shared.charts.rendered import ChartCrd, Hook, Rendered
from shared.charts.values import integers

__all__ = ["ClusterReader", "Engine", "Limits", "LookupAnswer", "LookupFailed", "RenderRequest"]

MAX_VALUES_BYTES = 16 * 2**20
MAX_RENDERED = 16 * 2**20


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One chart, one release.

    `chart` is a .tgz, or a directory of which every link may be followed; `values` are the user's, without
    the chart's defaults; `chart_version` replaces the version of Chart.yaml (7.3). Without `lookup`
    the function of that name finds nothing. `enable_dns` lets `getHostByName` resolve, in charts that do not
    use `lookup`.
    """

    chart: Path
    release_name: str
    namespace: str
    capabilities: Capabilities
    values: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 1
    is_upgrade: bool = False
    chart_version: str | None = None
    skip_schema_validation: bool = False
    enable_dns: bool = False
    lookup: ClusterReader | None = None
    timeout: timedelta = timedelta(minutes=1)


class Engine:
    """At most `size` renders at a time; a worker that was idle for `idle` ends, within `serve`."""

    def __init__(
        self, *, size: int = 2, idle: timedelta = timedelta(minutes=1), limits: Limits | None = None
    ) -> None:
        self._pool = WorkerPool(size=size, idle=idle, limits=limits or Limits())
        self._lookups = LookupServer()

    async def render(self, request: RenderRequest) -> Rendered:
        """Raises a ChartError (errors.py). The worker is ended when time is up or the caller is cancelled."""
        _require_values(request.values)
        async with contextlib.AsyncExitStack() as stack:
            server = None
            if request.lookup is not None:
                server = await stack.enter_async_context(self._lookups.access(request.lookup))
            answer = await self._pool.run(_message(request, server), within=request.timeout)
        return Rendered(
            manifest=answer["manifest"],
            hooks=tuple(_hook(raw) for raw in answer["hooks"]),
            notes=answer["notes"],
            crds=tuple(ChartCrd(**raw) for raw in answer["crds"]),
            chart=answer["chart"],
            config=dict(request.values),
        )

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """End idle workers while the context is open, and everything at its end."""
        async with self._pool.serve():
            try:
                yield
            finally:
                await self._lookups.close()


def _require_values(values: Mapping[str, Any]) -> None:
    try:
        size = len(orjson.dumps(dict(values)))
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise InvalidValues(f"the values cannot be passed to a chart: {error}") from error
    if size > MAX_VALUES_BYTES:
        raise InvalidValues(f"the values are larger than {MAX_VALUES_BYTES >> 20} MiB")


def _message(request: RenderRequest, server: str | None) -> dict[str, Any]:
    return {
        "chart": str(request.chart.absolute()),
        "release_name": request.release_name,
        "namespace": request.namespace,
        "revision": request.revision,
        "is_upgrade": request.is_upgrade,
        "values": dict(request.values),
        "integers": integers(request.values),
        "kube_version": request.capabilities.kube_version,
        "api_versions": sorted(request.capabilities.api_versions),
        "exact_versions": request.capabilities.exact,
        "chart_version": request.chart_version,
        "skip_schema": request.skip_schema_validation,
        "enable_dns": request.enable_dns,
        "lookup": server,
        "max_rendered": MAX_RENDERED,
    }


def _hook(raw: Mapping[str, Any]) -> Hook:
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()
    }
    return Hook(**fields)
