"""What every action works with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from controllers.helm.release.record import render_moment
from controllers.helm.release.storage import Storage
from shared.charts.engine import RenderRequest
from shared.charts.rendered import Rendered
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.tracker import Tracker
from shared.model.meta import ObjectKey

FIELD_MANAGER = "helm-controller"


class Renderer(Protocol):
    """The template engine: shared/charts/engine.py."""

    async def render(self, request: RenderRequest) -> Rendered: ...


def _silent(_stage: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Tools:
    """One release's view of one cluster, as the release's identity.

    `owner` is the HelmRelease, for which kinds are watched; `storage` names the release; `on_stage` is
    told each step in a few words, as Helm's log would; each pause of a wait is spent inside of `aside`,
    so that others can work meanwhile.
    """

    client: KubeClient
    discovery: Discovery
    tracker: Tracker
    storage: Storage
    engine: Renderer
    owner: ObjectKey
    concurrency: int = 4
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    on_stage: Callable[[str], None] = _silent
    aside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext

    def now(self) -> str:
        """The moment as a release record spells it."""
        return render_moment(self.clock())
