"""Buckets as a kind of this process."""

from functools import partial

from controllers.source import bucket
from controllers.source.buckets.access import BucketAccess
from controllers.source.conditions import BUCKET_OWNED, BUCKET_SUMMARY
from controllers.source.settings import Settings
from shared.artifacts.storage import Storage
from shared.git.client import Git
from shared.kube.secrets import Secrets
from shared.model.bucket import Bucket
from shared.model.kinds import BUCKET
from shared.model.source import FIELD_MANAGER
from shared.runtime.identities import Identities
from shared.runtime.kind import Kind
from shared.runtime.registry_secrets import RegistrySecrets
from shared.runtime.services import Services


def buckets(
    settings: Settings, storage: Storage, services: Services, git: Git, identities: Identities
) -> Kind[Bucket]:
    """`git` lends its worker processes."""
    secrets = Secrets(services.client)
    deps = bucket.Deps(
        workspaces=settings.workspaces,
        storage=storage,
        git=git,
        access=BucketAccess(
            secrets,
            RegistrySecrets(services.client, secrets),
            identities,
            region=settings.aws_region,
            google=settings.google_storage,
        ),
        digest_algorithm=settings.digest_algorithm,
    )
    return Kind(
        resource=BUCKET,
        parse=Bucket.parse,
        reconcile=partial(bucket.reconcile, deps),
        finalize=partial(bucket.finalize, deps),
        field_manager=FIELD_MANAGER,
        summary=BUCKET_SUMMARY,
        owned=BUCKET_OWNED,
    )
