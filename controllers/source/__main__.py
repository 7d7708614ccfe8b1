"""source-controller as a process: `python -m controllers.source`."""

import os
import sys
from functools import partial

import aiohttp

from controllers.source import git_repository, oci_repository
from controllers.source.bucket_wiring import buckets
from controllers.source.charts.wiring import chart_controllers
from controllers.source.conditions import GIT_OWNED, GIT_SUMMARY, OCI_OWNED, OCI_SUMMARY
from controllers.source.generation.wiring import closing, generators
from controllers.source.includes import Includes
from controllers.source.oci_access import OciAccess
from controllers.source.settings import IDENTITY_GATE, InvalidSettings, Settings
from shared.artifacts.errors import StorageFailed
from shared.artifacts.serve import create_app
from shared.artifacts.storage import Storage
from shared.cloud.token_cache import TokenCache
from shared.git.access import Access
from shared.git.client import Git
from shared.git.pool import WorkerPool
from shared.kube.secrets import Secrets
from shared.model.bucket import Bucket
from shared.model.kinds import GIT_REPOSITORY, OCI_REPOSITORY
from shared.model.source import FIELD_MANAGER, GitRepository, OciRepository
from shared.oci.authorization import Authorizations
from shared.runtime.controller import Controller
from shared.runtime.git_logins import GitLogins
from shared.runtime.identities import Identities
from shared.runtime.kind import Kind
from shared.runtime.own_folder import own_folder
from shared.runtime.probes import serving
from shared.runtime.process import Parts, run
from shared.runtime.registry_secrets import RegistrySecrets
from shared.runtime.services import Services


def main() -> int:
    try:
        settings = Settings.from_process(sys.argv[1:], os.environ)
        storage = Storage(settings.storage_path, settings.advertised, retention=settings.retention)
    except (InvalidSettings, StorageFailed) as error:
        sys.exit(f"source-controller: {error}")
    return run(settings.runtime, partial(assemble, settings, storage))


def assemble(settings: Settings, storage: Storage, services: Services) -> Parts:
    """What runs once this process leads; only then are artifacts served."""
    pool = WorkerPool()
    git = Git(pool)
    git_repositories = Controller(_git_repositories(settings, storage, services, git), services)
    bucket_controller = Controller(_buckets(settings, storage, services, git), services)
    chart_sources = (git_repositories.cache, bucket_controller.cache)
    lent = (git, identities_of(settings, services))
    session = aiohttp.ClientSession()
    return Parts(
        controllers=[
            git_repositories,
            Controller(_oci_repositories(settings, storage, services, git), services),
            bucket_controller,
            *chart_controllers(settings, storage, services, lent, chart_sources),
            generators(settings, storage, services, git, session),
        ],
        servers=[
            own_folder(settings.workspaces),
            pool.serve(),
            closing(session),
            serving(create_app(storage.root), settings.storage_addr),
        ],
    )


def _git_repositories(
    settings: Settings, storage: Storage, services: Services, git: Git
) -> Kind[GitRepository]:
    secrets = Secrets(services.client)
    tokens: TokenCache[str] = TokenCache(settings.token_cache_size, settings.token_cache_longest)
    identities = identities_of(settings, services)
    deps = git_repository.Deps(
        workspaces=settings.workspaces,
        storage=storage,
        git=git,
        access=Access(secrets.read, git, tokens, settings.ssh, GitLogins(identities)),
        secrets=secrets,
        includes=Includes(services.client, storage, settings.runtime.requeue_dependency),
        digest_algorithm=settings.digest_algorithm,
    )
    return Kind(
        resource=GIT_REPOSITORY,
        parse=GitRepository.parse,
        reconcile=partial(git_repository.reconcile, deps),
        finalize=partial(git_repository.finalize, deps),
        field_manager=FIELD_MANAGER,
        summary=GIT_SUMMARY,
        owned=GIT_OWNED,
    )


def _oci_repositories(
    settings: Settings, storage: Storage, services: Services, git: Git
) -> Kind[OciRepository]:
    secrets = Secrets(services.client)
    identities = identities_of(settings, services)
    deps = oci_repository.Deps(
        workspaces=settings.workspaces,
        storage=storage,
        git=git,
        access=OciAccess(RegistrySecrets(services.client, secrets), identities),
        secrets=secrets,
        authorizations=Authorizations(settings.token_cache_size, settings.token_cache_longest),
        digest_algorithm=settings.digest_algorithm,
    )
    return Kind(
        resource=OCI_REPOSITORY,
        parse=OciRepository.parse,
        reconcile=partial(oci_repository.reconcile, deps),
        finalize=partial(oci_repository.finalize, deps),
        field_manager=FIELD_MANAGER,
        summary=OCI_SUMMARY,
        owned=OCI_OWNED,
    )


def _buckets(settings: Settings, storage: Storage, services: Services, git: Git) -> Kind[Bucket]:
    return buckets(settings, storage, services, git, identities_of(settings, services))


def identities_of(settings: Settings, services: Services) -> Identities:
    """Whose cloud identities the objects use, and the tokens made of them."""
    return Identities.over(
        services.client,
        enabled=settings.runtime.gates[IDENTITY_GATE],
        default_account=settings.default_service_account,
        size=settings.token_cache_size,
        longest=settings.token_cache_longest,
    )


if __name__ == "__main__":
    sys.exit(main())
