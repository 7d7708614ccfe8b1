"""Put the parts of kustomize-controller together, and say what wakes a Kustomization."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from controllers.kustomize.bases.gathering import RemoteBases
from controllers.kustomize.bases.guard import Guard
from controllers.kustomize.bases.repositories import Repositories
from controllers.kustomize.build import Builder
from controllers.kustomize.configs import Configs
from controllers.kustomize.dependencies import Dependants, Dependencies
from controllers.kustomize.fetch import Fetch
from controllers.kustomize.memory import Memories
from controllers.kustomize.obtain import Obtain
from controllers.kustomize.reconciler import Collaborators, Reconciler
from controllers.kustomize.rollout import RolloutOptions
from controllers.kustomize.settings import Settings
from controllers.kustomize.shared_trees import SharedTrees
from controllers.kustomize.sources import Consumers, Sources
from controllers.kustomize.stages import HEALTHY
from controllers.kustomize.workspace import Workspace
from shared.artifacts.fetch import Fetcher, FetchPolicy
from shared.git.client import Git
from shared.git.pool import WorkerPool
from shared.kube.clusters import Clusters
from shared.kube.crew import Crew
from shared.kube.hands import Grip
from shared.kube.tracker import Drift, Tracker
from shared.model.kinds import KUSTOMIZATION
from shared.model.kustomize import FIELD_MANAGER, STATUS_MANAGER, Kustomization
from shared.model.meta import READY, RECONCILING, STALLED, ObjectKey, ObjectRef
from shared.runtime.cloud_clusters import CloudClusters
from shared.runtime.controller import Controller
from shared.runtime.identities import GATE as IDENTITY_GATE
from shared.runtime.identities import Identities
from shared.runtime.kind import Kind
from shared.runtime.process import Parts
from shared.runtime.services import Services

if TYPE_CHECKING:
    from controllers.kustomize.sops.keys import Decryption


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
        self._root = Path(tempfile.mkdtemp(prefix="kustomize-controller-"))
        self._session = aiohttp.ClientSession()
        self._git_workers = WorkerPool()
        self._decryption: Decryption | None = None
        self._clusters = Clusters(
            services.client,
            services.discovery,
            settings.clusters,
            self._drop,
            CloudClusters(self._identities),
        )
        self._crew = Crew(self._clusters, Grip(FIELD_MANAGER, settings.concurrent_ssa), tend=self._tend)
        self._memories = Memories(full_check=settings.full_check, forgotten=self._crew.release)
        self._sources = Sources(
            services.client, settings.runtime, no_cross_namespace_refs=settings.no_cross_namespace_refs
        )
        self._controller = self._make_controller()
        self._connect_wakes()

    def parts(self) -> Parts:
        return Parts(
            [self._controller], servers=[self._workshop(), self._git_workers.serve()], tasks=[self._crew.run]
        )

    def _make_controller(self) -> Controller[Kustomization]:
        reconciler = Reconciler(self._collaborators())
        kind = Kind(
            KUSTOMIZATION,
            Kustomization.parse,
            reconciler.reconcile,
            reconciler.finalize,
            field_manager=STATUS_MANAGER,
            owned=frozenset({READY, RECONCILING, STALLED, HEALTHY}),
            suspended_message="Reconciliation is suspended for this object",
        )
        return Controller(kind, self._services, forget=self._memories.forget)

    def _collaborators(self) -> Collaborators:
        settings, client = self._settings, self._services.client
        gates, requeue = settings.runtime.gates, settings.runtime.requeue_dependency
        # One more try in place bridges a hiccup; longer outages of the source are the queue's business.
        policy = FetchPolicy(retries=1, min_wait=settings.fetch_pause, host=settings.source_host)
        workspace = Workspace(self._root, Fetcher(self._session, self._root, policy))
        return Collaborators(
            client=client,
            sources=self._sources,
            dependencies=Dependencies(client, requeue=requeue, additive=gates["AdditiveCELDependencyCheck"]),
            obtain=Obtain(
                Fetch(workspace, retries=settings.http_retry, requeue=requeue),
                Builder(
                    self._get_decryption, strict=gates["StrictPostBuildSubstitutions"], bases=self._bases()
                ),
            ),
            crew=self._crew,
            memories=self._memories,
            gates=gates,
            options=RolloutOptions(
                override_managers=settings.override_managers,
                custom_stage_kinds=settings.custom_stage_kinds,
                migrate_api_version=gates["MigrateAPIVersion"],
                fail_fast=not gates["DisableFailFastBehavior"],
                grouped_log=gates["GroupChangeLog"],
                prune_guard=settings.prune_guard,
            ),
            full_check=settings.full_check,
        )

    def _bases(self) -> RemoteBases | None:
        if self._settings.no_remote_bases:
            return None
        guard = Guard(loopback=self._settings.loopback_bases)
        return RemoteBases(Repositories(Git(self._git_workers), SharedTrees(self._root), guard), guard)

    def _get_decryption(self) -> Decryption:
        if self._decryption is None:
            from controllers.kustomize.sops.keys import Decryption

            settings, client = self._settings, self._services.client
            identities = replace(self._identities, default_account=settings.default_decryption_account)
            self._decryption = Decryption(
                client, age_secret=settings.age_secret, vaults=settings.vaults, identities=identities
            )
        return self._decryption

    def _connect_wakes(self) -> None:
        controller, runtime = self._controller, self._settings.runtime
        consumers = Consumers(controller.cache)
        for cache in self._sources.caches.values():
            controller.woken_by(cache, partial(consumers.of, cache.resource))
        controller.woken_by(controller.cache, Dependants().woken)
        if not runtime.gates["DisableConfigWatchers"]:
            configs = Configs(self._services.client, runtime.namespace, self._settings.config_selector)
            for cache in configs.caches:
                controller.woken_by(cache, partial(configs.users_of, cache.resource, controller.cache))

    def _tend(self, tracker: Tracker) -> None:
        tracker.subscribe(self._drifted)
        tracker.subscribe_moves(self._moved)

    def _drop(self, cluster: str) -> None:
        self._crew.drop(cluster)

    def _drifted(self, drift: Drift) -> None:
        memory = self._memories.find(drift.owner)
        if memory is not None:
            memory.drifted.add(drift.ref)
            self._controller.wake_after(drift.owner, drift.delay)

    def _moved(self, owner: ObjectKey, _ref: ObjectRef) -> None:
        """Any change of a managed object, so also of its health: news only for who waits for it."""
        memory = self._memories.find(owner)
        if memory is not None and memory.waiting is not None:
            self._controller.wake(owner)

    @contextlib.asynccontextmanager
    async def _workshop(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._session.close()
            if self._decryption is not None:
                await self._decryption.close()
            await self._clusters.close()
            shutil.rmtree(self._root, ignore_errors=True)


def assemble(services: Services, settings: Settings) -> Parts:
    return Wiring(services, settings).parts()
