"""Put the parts of kustomize-controller together, and say what wakes a Kustomization."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp

from controllers.kustomize.build import Builder
from controllers.kustomize.configs import Configs
from controllers.kustomize.crew import Crew
from controllers.kustomize.dependencies import Dependencies, dependants
from controllers.kustomize.fetch import Fetch
from controllers.kustomize.memory import Memories
from controllers.kustomize.reconciler import Collaborators, Reconciler
from controllers.kustomize.rollout import RolloutOptions
from controllers.kustomize.settings import Settings
from controllers.kustomize.sops.keys import Decryption
from controllers.kustomize.sources import Consumers, Sources
from controllers.kustomize.stages import HEALTHY
from controllers.kustomize.workspace import Workspace
from shared.artifacts.fetch import Fetcher, FetchPolicy
from shared.kube.cache import Change
from shared.kube.tracker import Drift
from shared.model.kinds import KUSTOMIZATION
from shared.model.kustomize import STATUS_MANAGER, Kustomization
from shared.model.meta import READY, RECONCILING, STALLED, ObjectKey, ObjectRef
from shared.runtime.controller import Controller
from shared.runtime.kind import Kind
from shared.runtime.process import Parts
from shared.runtime.services import Services


def assemble(services: Services, settings: Settings) -> Parts:
    """Called once the process leads; nothing has been started yet."""
    root = Path(tempfile.mkdtemp(prefix="kustomize-controller-"))
    session = aiohttp.ClientSession()
    # One more try in place bridges a restart of the source's pod; longer outages are the queue's business.
    policy = FetchPolicy(retries=1, min_wait=settings.fetch_pause, host=settings.source_host)
    crew = Crew(
        services.client,
        services.discovery,
        default_account=settings.default_service_account,
        concurrency=settings.concurrent_ssa,
    )
    memories = Memories(full_check=settings.full_check, forgotten=crew.tracker.release)
    sources = Sources(
        services.client, settings.runtime, no_cross_namespace_refs=settings.no_cross_namespace_refs
    )
    gates = settings.runtime.gates
    builder = Builder(
        Decryption(services.client, age_secret=settings.age_secret),
        strict=gates["StrictPostBuildSubstitutions"],
    )
    reconciler = Reconciler(
        Collaborators(
            client=services.client,
            sources=sources,
            dependencies=Dependencies(
                services.client,
                requeue=settings.runtime.requeue_dependency,
                additive=gates["AdditiveCELDependencyCheck"],
            ),
            fetch=Fetch(
                Workspace(root, Fetcher(session, root, policy)),
                retries=settings.http_retry,
                requeue=settings.runtime.requeue_dependency,
            ),
            builder=builder,
            crew=crew,
            memories=memories,
            gates=gates,
            options=RolloutOptions(
                override_managers=settings.override_managers,
                custom_stage_kinds=settings.custom_stage_kinds,
                fail_fast=not gates["DisableFailFastBehavior"],
                grouped_log=gates["GroupChangeLog"],
            ),
            full_check=settings.full_check,
        )
    )
    kind = Kind(
        KUSTOMIZATION,
        Kustomization.parse,
        reconciler.reconcile,
        reconciler.finalize,
        field_manager=STATUS_MANAGER,
        owned=frozenset({READY, RECONCILING, STALLED, HEALTHY}),
        suspended_message="Reconciliation is suspended for this object",
    )
    controller = Controller(kind, services, forget=memories.forget)
    _wake(controller, sources, services, settings)
    crew.tracker.subscribe(partial(_drifted, controller, memories))
    crew.tracker.subscribe_moves(partial(_moved, controller, memories))
    return Parts([controller], servers=[_workshop(root, session, builder)], tasks=[crew.tracker.run])


def _wake(
    controller: Controller[Kustomization], sources: Sources, services: Services, settings: Settings
) -> None:
    consumers = Consumers(controller.cache)
    for cache in sources.caches.values():
        controller.woken_by(cache, partial(consumers.of, cache.resource))

    def dependency_moved(change: Change) -> list[ObjectKey]:
        return dependants(change, list(controller.cache))

    controller.woken_by(controller.cache, dependency_moved)
    if not settings.runtime.gates["DisableConfigWatchers"]:
        configs = Configs(services.client, settings.runtime.namespace, settings.config_selector)
        for cache in configs.caches:
            controller.woken_by(cache, partial(configs.users_of, cache.resource, controller.cache))


def _drifted(controller: Controller[Kustomization], memories: Memories, drift: Drift) -> None:
    memory = memories.find(drift.owner)
    if memory is not None:
        memory.drifted.add(drift.ref)
        controller.wake_after(drift.owner, drift.delay)


def _moved(
    controller: Controller[Kustomization], memories: Memories, owner: ObjectKey, _ref: ObjectRef
) -> None:
    """Any change of a managed object, so also of its health: news only for who waits for it."""
    memory = memories.find(owner)
    if memory is not None and memory.waiting is not None:
        controller.wake(owner)


@contextlib.asynccontextmanager
async def _workshop(root: Path, session: aiohttp.ClientSession, builder: Builder) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await session.close()
        await builder.close()
        shutil.rmtree(root, ignore_errors=True)
