"""ArtifactGenerators as a kind of this process, woken by the sources that they name."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import aiohttp

from controllers.source import artifact_generator
from controllers.source.generation.building import Builder
from controllers.source.generation.outputs import Outputs
from controllers.source.generation.sources import SERVED, Sources
from controllers.source.settings import Settings
from shared.artifacts.fetch import Fetcher, FetchPolicy
from shared.artifacts.storage import Storage
from shared.git.client import Git
from shared.kube.cache import Cache, Change
from shared.model.artifact import artifact_of
from shared.model.generator import FIELD_MANAGER, FINALIZER, ArtifactGenerator
from shared.model.kinds import ARTIFACT_GENERATOR, Resource
from shared.model.meta import Object, ObjectKey
from shared.runtime.controller import Controller
from shared.runtime.kind import Kind
from shared.runtime.services import Services

_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=0.5), timedelta(seconds=5)
_LONGEST_REQUEUE = timedelta(seconds=5)


def generators(
    settings: Settings, storage: Storage, services: Services, git: Git, session: aiohttp.ClientSession
) -> Controller[ArtifactGenerator]:
    """`git` lends its worker processes, `session` fetches what is not in our own store."""
    policy = FetchPolicy(
        retries=settings.generation.retries,
        min_wait=_FIRST_WAIT,
        max_wait=_LONGEST_WAIT,
        host=settings.generation.source_host,
    )
    fetcher = Fetcher(session, settings.workspaces, policy)
    requeue = min(settings.runtime.requeue_dependency, _LONGEST_REQUEUE)
    deps = artifact_generator.Deps(
        workspaces=settings.workspaces,
        storage=storage,
        sources=Sources(services.client, storage, fetcher, requeue),
        builder=Builder(storage, git, settings.digest_algorithm),
        outputs=Outputs(services.client),
        own_namespace_only=settings.generation.own_namespace_only,
        timeout=settings.generation.timeout,
    )
    kind = Kind(
        resource=ARTIFACT_GENERATOR,
        parse=ArtifactGenerator.parse,
        reconcile=partial(artifact_generator.reconcile, deps),
        finalize=partial(artifact_generator.finalize, deps),
        field_manager=FIELD_MANAGER,
        finalizer=FINALIZER,
        generation_in_status=False,
    )
    controller = Controller(kind, services)
    for resource in SERVED.values():
        # Caches of their own: those of the kinds see only the objects of this shard.
        cache = Cache(services.client, resource, namespace=settings.runtime.namespace, keep=_artifact_alone)
        controller.woken_by(cache, partial(concerned, controller.cache, resource))
    return controller


def concerned(known: Cache, resource: Resource, change: Change) -> list[ObjectKey]:
    """The generators that name a source whose artifact appeared, or is another one now."""
    after = artifact_of(change.after) if change.after else None
    before = artifact_of(change.before) if change.before else None
    if after is None:
        return []
    if before is not None and (before.revision, before.digest) == (after.revision, after.digest):
        return []
    return [ObjectKey.of(obj) for obj in known if _names(obj, resource, change.key)]


def _names(generator: Object, resource: Resource, source: ObjectKey) -> bool:
    namespace = generator["metadata"]["namespace"]
    return any(
        (each.get("kind"), each.get("namespace") or namespace, each.get("name"))
        == (resource.kind, source.namespace, source.name)
        for each in (generator.get("spec") or {}).get("sources") or ()
    )


def _artifact_alone(obj: Object) -> Object:
    """All that is compared later; a tenth of the memory of the whole object."""
    meta = obj["metadata"]
    kept = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion") if key in meta}
    artifact = (obj.get("status") or {}).get("artifact")
    return {"metadata": kept} | ({"status": {"artifact": artifact}} if artifact else {})


@contextlib.asynccontextmanager
async def closing(session: aiohttp.ClientSession) -> AsyncIterator[None]:
    """Ends with the process's other servers."""
    async with session:
        yield
