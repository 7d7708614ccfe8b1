"""What opens an OCIRepository: the login, certificates and proxy of its secrets (spec source 9.3)."""

from controllers.source.conditions import Reason
from shared.logic.secret import SecretUnusable
from shared.model.source import OciProvider, OciRepository
from shared.oci.docker_config import find_login
from shared.oci.errors import InvalidCredentials
from shared.oci.opening import Opening
from shared.oci.reference import Repository
from shared.runtime.failure import Failure, Stalled
from shared.runtime.registry_secrets import Named, RegistrySecrets


class OciAccess:
    """`identities` says whether object-level workload identity is switched on."""

    def __init__(self, secrets: RegistrySecrets, *, identities: bool) -> None:
        self._secrets, self._identities = secrets, identities

    async def opening(self, repo: OciRepository, repository: Repository) -> Opening:
        """Raises Failure or Stalled with the reasons of spec source 9.2."""
        named = Named(
            repo.key.namespace,
            secret=repo.secret,
            service_account=repo.service_account,
            cert_secret=repo.cert_secret,
            proxy_secret=repo.proxy_secret,
        )
        try:
            entries = await self._secrets.entries(named)
            if not entries:
                self._require_no_identity(repo)
            login = find_login(entries, repository)
            return await self._secrets.opening(named, login, insecure=repo.insecure)
        except (SecretUnusable, InvalidCredentials) as error:
            raise Failure(str(error), reason=Reason.AUTHENTICATION_FAILED) from error

    def _require_no_identity(self, repo: OciRepository) -> None:
        if repo.provider is OciProvider.GENERIC:
            return
        if repo.service_account and not self._identities:
            raise Stalled(
                "to use spec.serviceAccountName for provider authentication please enable the "
                "ObjectLevelWorkloadIdentity feature gate in the controller",
                reason=Reason.FEATURE_GATE_DISABLED,
            )
        raise Failure(
            f"provider '{repo.provider}' needs a cloud identity, which this installation cannot obtain: "
            "give a secretRef, or a service account with image pull secrets",
            reason=Reason.AUTHENTICATION_FAILED,
        )
