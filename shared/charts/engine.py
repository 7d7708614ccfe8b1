"""Render a chart with the genuine Helm engine, in worker processes of our own (specs/helm.md 20.2).

engine = Engine()
async with engine.serve():
    rendered = await engine.render(RenderRequest(chart, "web", "shop", capabilities))
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from shared.charts.capabilities import Capabilities
from shared.charts.rendered import Rendered


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """What the API server said: the status of HTTP and the JSON body."""

    status: int
    body: bytes


class ClusterReader(Protocol):
    """How `lookup` reads the cluster; it authenticates as the release does.

    Called with a path such as `/apis/apps/v1/namespaces/shop/deployments/web`, never with another verb in
    mind than GET. Whatever it raises becomes a failure of the lookup, and so of the render.
    """

    def __call__(self, path: str, /) -> Awaitable[LookupAnswer]: ...


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One chart, one release.

    `chart` is a .tgz or a directory; `values` are the user's (the chart's defaults are merged by the engine);
    `chart_version` replaces the version of Chart.yaml (7.3). Without `lookup` the function of that name finds
    nothing. `enable_dns` lets `getHostByName` resolve.
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
    """At most `size` renders at a time; a worker that was idle for `idle` ends."""

    def __init__(self, *, size: int = 2, idle: timedelta = timedelta(minutes=1)) -> None:
        self._size = size
        self._idle = idle

    async def render(self, request: RenderRequest) -> Rendered:
        """Raises a ChartError (errors.py). The worker is ended when time is up or the caller is cancelled."""
        raise NotImplementedError(request)

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """End idle workers while the context is open, and all of them at its end."""
        yield
