"""Put the chart kinds together, and say what wakes a HelmChart."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from controllers.source.charts import helm_chart, helm_repository
from controllers.source.charts.builder import Builder
from controllers.source.charts.conditions import (
    CHART_OWNED,
    CHART_SUMMARY,
    REPOSITORY_OWNED,
    REPOSITORY_SUMMARY,
)
from controllers.source.charts.dependencies import Dependencies
from controllers.source.charts.index_cache import IndexCache
from controllers.source.charts.index_charts import IndexCharts
from controllers.source.charts.measures import CacheMeasures
from controllers.source.charts.registry_charts import RegistryCharts
from controllers.source.charts.repository_access import RepositoryAccess
from controllers.source.charts.source_build import SourceBuilder
from controllers.source.charts.sources import Consumers, Sources
from controllers.source.charts.verification import Verification
from controllers.source.charts.workshop import Workshop
from controllers.source.settings import Settings
from shared.artifacts.storage import Storage
from shared.git.client import Git
from shared.kube.cache import Cache
from shared.kube.secrets import Secrets
from shared.model.helm_source import HelmChart, HelmRepository
from shared.model.kinds import HELM_CHART, HELM_REPOSITORY
from shared.model.source import FIELD_MANAGER
from shared.oci.authorization import Authorizations
from shared.runtime.controller import Controller
from shared.runtime.identities import Identities
from shared.runtime.kind import Kind
from shared.runtime.registry_secrets import RegistrySecrets
from shared.runtime.services import Services


def chart_controllers(
    settings: Settings,
    storage: Storage,
    services: Services,
    shared: tuple[Git, Identities],
    sources: Iterable[Cache],
) -> list[Controller[Any]]:
    """HelmRepository and HelmChart; `sources` are the caches of the other kinds that charts come from."""
    git, identities = shared
    secrets = Secrets(services.client)
    access = RepositoryAccess(secrets, RegistrySecrets(services.client, secrets), identities)
    repositories = _repositories(settings, storage, services, git, access)
    caches = {cache.resource.kind: cache for cache in (repositories.cache, *sources)}
    found = Sources(services.client, storage, caches, settings.runtime.requeue_dependency)
    charts = _charts(settings, storage, services, git, (access, found))
    consumers = Consumers(charts.cache, charts.wake)
    for cache in caches.values():
        consumers.follow(cache)
    return [repositories, charts]


def _repositories(
    settings: Settings, storage: Storage, services: Services, git: Git, access: RepositoryAccess
) -> Controller[HelmRepository]:
    deps = helm_repository.Deps(
        workspaces=settings.workspaces,
        storage=storage,
        git=git,
        access=access,
        digest_algorithm=settings.digest_algorithm,
        max_index_bytes=settings.helm.index_max_bytes,
    )
    kind = Kind(
        resource=HELM_REPOSITORY,
        parse=HelmRepository.parse,
        reconcile=partial(helm_repository.reconcile, deps),
        finalize=partial(helm_repository.finalize, deps),
        field_manager=FIELD_MANAGER,
        summary=REPOSITORY_SUMMARY,
        owned=REPOSITORY_OWNED,
        is_static=helm_repository.is_static,
    )
    return Controller(kind, services, forget=deps.forget)


def _charts(
    settings: Settings,
    storage: Storage,
    services: Services,
    git: Git,
    found: tuple[RepositoryAccess, Sources],
) -> Controller[HelmChart]:
    access, sources = found
    measures = CacheMeasures(services.metrics.registry)
    deps = helm_chart.Deps(
        workspaces=settings.workspaces,
        storage=storage,
        sources=sources,
        builder=_builder(settings, git, access, sources, measures),
        forgotten=measures.forget,
    )
    kind = Kind(
        resource=HELM_CHART,
        parse=HelmChart.parse,
        reconcile=partial(helm_chart.reconcile, deps),
        finalize=partial(helm_chart.finalize, deps),
        field_manager=FIELD_MANAGER,
        summary=CHART_SUMMARY,
        owned=CHART_OWNED,
    )
    return Controller(kind, services, forget=deps.forget)


def _builder(
    settings: Settings, git: Git, access: RepositoryAccess, sources: Sources, measures: CacheMeasures
) -> Builder:
    limits = settings.helm
    workshop = Workshop(git, limits.bounds, settings.digest_algorithm)
    cache = IndexCache(limits.cache_size, limits.cache_ttl, limits.cache_purge)
    indexed = IndexCharts(workshop, cache)
    authorizations = Authorizations(settings.token_cache_size, settings.token_cache_longest)
    tagged = RegistryCharts(access, authorizations, limits.chart_max_bytes)
    dependencies = Dependencies(workshop, access, sources, indexed, tagged, limits.index_max_bytes)
    return Builder(
        workshop=workshop,
        access=access,
        indexed=indexed,
        tagged=tagged,
        verification=Verification(access.secrets, tagged),
        from_source=SourceBuilder(workshop, dependencies),
        measures=measures,
    )
