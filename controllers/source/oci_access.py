"""What opens an OCIRepository: the login, certificates and proxy of its secrets (spec source 9.3)."""

from dataclasses import dataclass, replace

from controllers.source.conditions import Reason
from shared.cloud.errors import CloudError
from shared.cloud.registry import Cloud
from shared.logic.secret import SecretUnusable
from shared.model.source import OciProvider, OciRepository
from shared.oci.docker_config import ANONYMOUS, Login, find_login
from shared.oci.errors import InvalidCredentials
from shared.oci.opening import Opening
from shared.oci.reference import Repository
from shared.runtime.failure import Failure, Stalled
from shared.runtime.identities import Identities, IdentityDisabled
from shared.runtime.registry_secrets import Named, RegistrySecrets


@dataclass(frozen=True, slots=True)
class OciAccess:
    """Static credentials win over a provider's, whichever that is."""

    secrets: RegistrySecrets
    identities: Identities

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
            entries = await self.secrets.entries(named)
            if entries or repo.provider is OciProvider.GENERIC:
                login = find_login(entries, repository)
                return await self.secrets.opening(named, login, insecure=repo.insecure)
            anonymous = await self.secrets.opening(named, ANONYMOUS, insecure=repo.insecure)
            return replace(anonymous, login=await self._login(repo, repository, anonymous))
        except IdentityDisabled as error:
            raise Stalled(str(error), reason=Reason.FEATURE_GATE_DISABLED) from error
        except (SecretUnusable, InvalidCredentials, CloudError) as error:
            raise Failure(str(error), reason=Reason.AUTHENTICATION_FAILED) from error

    async def _login(self, repo: OciRepository, repository: Repository, opening: Opening) -> Login:
        proxy = opening.proxy.with_credentials if opening.proxy else ""
        account = await self.identities.account(repo.key.namespace, repo.service_account)
        token = await self.identities.registry_login(
            Cloud(repo.provider), account, repository.host, proxy=proxy
        )
        return Login(token.username, token.text)
