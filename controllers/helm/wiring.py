"""Put the parts of helm-controller together, and say what wakes a HelmRelease, and what interrupts it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable
from functools import partial
from pathlib import Path

import aiohttp

from controllers.helm.chart_files import ChartFiles
from controllers.helm.chart_template import Templates
from controllers.helm.conditions import OWNED
from controllers.helm.configs import Configs
from controllers.helm.dependencies import Dependants, Dependencies
from controllers.helm.memory import Memories
from controllers.helm.prepare import Preparation
from controllers.helm.reconciler import Collaborators, Reconciler
from controllers.helm.settings import Settings
from controllers.helm.sources import Consumers, Sources
from shared.artifacts.fetch import Fetcher, FetchPolicy
from shared.charts.engine import Engine
from shared.kube.cache import Change
from shared.kube.clusters import Clusters
from shared.kube.crew import Crew
from shared.kube.hands import Grip
from shared.kube.tracker import Drift, Tracker
from shared.logic.owner import OwnerLabels
from shared.model.helm import FIELD_MANAGER, GROUP, HelmRelease
from shared.model.kinds import HELM_RELEASE, Resource
from shared.model.meta import REQUESTED_AT, Object, ObjectKey
from shared.runtime.cloud_clusters import CloudClusters
from shared.runtime.controller import Controller
from shared.runtime.identities import GATE as IDENTITY_GATE
from shared.runtime.identities import Identities
from shared.runtime.kind import Kind
from shared.runtime.process import Parts
from shared.runtime.services import Services
from shared.runtime.turns import Turns

_OWNER_LABELS = OwnerLabels.of_group(GROUP)


class Wiring:
    """Made once the process leads; nothing of it has been started yet."""

    def __init__(self, services: Services, settings: Settings) -> None:
        self._services, self._settings = services, settings
        self._identities = Identities.over(
            services.client,
            enabled=settings.runtime.gates[IDENTITY_GATE],
            default_account="",
            size=settings.token_cache_size,
            longest=settings.token_cache_longest,
        )
        self._root = Path(tempfile.mkdtemp(prefix="helm-controller-"))
        self._session = aiohttp.ClientSession()
        self._engine = Engine()
        self._turns = Turns(settings.runtime.concurrent)
        self._clusters = Clusters(
            services.client,
            services.discovery,
            settings.clusters,
            self._drop,
            CloudClusters(self._identities),
        )
        self._crew = Crew(self._clusters, Grip(FIELD_MANAGER, labels=_OWNER_LABELS), tend=self._tend)
        self._memories = Memories(forgotten=self._crew.release)
        self._sources = Sources(
            services.client, settings.runtime, no_cross_namespace_refs=settings.no_cross_namespace_refs
        )
        self._controller = self._make_controller()
        self._connect_wakes()

    def parts(self) -> Parts:
        return Parts([self._controller], servers=[self._workshop()], tasks=[self._crew.run])

    def _make_controller(self) -> Controller[HelmRelease]:
        reconciler = Reconciler(self._collaborators())
        kind = Kind(
            HELM_RELEASE,
            HelmRelease.parse,
            reconciler.reconcile,
            reconciler.finalize,
            field_manager=FIELD_MANAGER,
            owned=OWNED,
            suspended_message="reconciliation is suspended for this object",
        )
        return Controller(kind, self._services, forget=self._memories.forget, turns=self._turns)

    def _collaborators(self) -> Collaborators:
        settings, client = self._settings, self._services.client
        gates, requeue = settings.runtime.gates, settings.runtime.requeue_dependency
        # One more try in place bridges a hiccup; longer outages of the source are the queue's business.
        policy = FetchPolicy(
            retries=min(settings.http_retry, 1),
            min_wait=settings.fetch_pause,
            stall=settings.http_timeout,
            host=settings.source_host,
        )
        cross = settings.no_cross_namespace_refs
        return Collaborators(
            preparation=Preparation(
                client=client,
                templates=Templates(client, no_cross_namespace_refs=cross),
                sources=self._sources,
                dependencies=Dependencies(
                    client, requeue=requeue, additive=gates["AdditiveCELDependencyCheck"]
                ),
                charts=ChartFiles(self._root, Fetcher(self._session, self._root, policy)),
                track_chart_digest=not gates["DisableChartDigestTracking"],
            ),
            crew=self._crew,
            memories=self._memories,
            engine=self._engine,
            options=settings.release,
            full_check=settings.full_check,
            aside=self._turns.standing_aside,
        )

    def _connect_wakes(self) -> None:
        controller, runtime = self._controller, self._settings.runtime
        controller.cache.subscribe(self._changed)
        consumers = Consumers(controller.cache)
        for cache in self._sources.caches.values():
            controller.woken_by(cache, partial(self._of_source, consumers, cache.resource))
        controller.woken_by(controller.cache, Dependants().woken)
        if not runtime.gates["DisableConfigWatchers"]:
            configs = Configs(self._services.client, runtime.namespace, self._settings.config_selector)
            for cache in configs.caches:
                controller.woken_by(cache, partial(configs.users_of, cache.resource, controller.cache))

    def _of_source(self, consumers: Consumers, resource: Resource, change: Change) -> Iterable[ObjectKey]:
        keys = consumers.of(resource, change)
        for key in keys:
            self._memories.interrupt(key, f"{resource.kind}/{change.key}")
        return keys

    def _changed(self, change: Change) -> None:
        """A new spec ends the wait of the old one; with the feature gate any request does."""
        before, after = change.before, change.after
        if before is None or after is None:
            return
        any_request = self._settings.runtime.gates["CancelHealthCheckOnNewRevision"]
        if _is_other_spec(before, after) or (any_request and _request(before) != _request(after)):
            self._memories.interrupt(change.key, f"{HELM_RELEASE.kind}/{change.key}")

    def _tend(self, tracker: Tracker) -> None:
        tracker.subscribe(self._drifted)

    def _drop(self, cluster: str) -> None:
        self._crew.drop(cluster)

    def _drifted(self, drift: Drift) -> None:
        memory = self._memories.find(drift.owner)
        if memory is not None and drift.ref in memory.known:
            memory.drifted = True
            self._controller.wake_after(drift.owner, drift.delay)

    @contextlib.asynccontextmanager
    async def _workshop(self) -> AsyncIterator[None]:
        try:
            async with self._engine.serve():
                yield
        finally:
            await self._session.close()
            await self._clusters.close()
            shutil.rmtree(self._root, ignore_errors=True)


def _is_other_spec(before: Object, after: Object) -> bool:
    old, new = before["metadata"], after["metadata"]
    return (old.get("generation"), old.get("deletionTimestamp")) != (
        new.get("generation"),
        new.get("deletionTimestamp"),
    )


def _request(obj: Object) -> str | None:
    annotations: dict[str, str] = obj["metadata"].get("annotations") or {}
    return annotations.get(REQUESTED_AT)


def assemble(services: Services, settings: Settings) -> Parts:
    return Wiring(services, settings).parts()
