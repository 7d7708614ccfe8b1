"""What opens a HelmRepository: its URL, and the credentials and certificates of its secrets."""

from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit, urlunsplit

from controllers.source.charts.download import HttpAccess
from controllers.source.conditions import Reason
from shared.cloud.errors import CloudError
from shared.cloud.registry import Cloud
from shared.kube.secrets import Secrets
from shared.logic.secret import Secret, SecretUnusable, tls_of
from shared.model.helm_source import HelmRepository
from shared.model.source import OciProvider
from shared.oci.docker_config import ANONYMOUS, Login, find_login, parse_docker_config
from shared.oci.errors import InvalidCredentials
from shared.oci.gate import Gates
from shared.oci.opening import Opening
from shared.oci.reference import Repository, shown
from shared.oci.transport import basic
from shared.runtime.failure import Failure, Stalled
from shared.runtime.identities import Identities
from shared.runtime.registry_secrets import Named, RegistrySecrets

INDEX = "index.yaml"
_DOCKER_CONFIG = ".dockerconfigjson"
_LEGACY_TLS = frozenset({"certFile", "keyFile", "caFile", "tls.crt", "tls.key", "ca.crt"})


@dataclass(frozen=True, slots=True)
class RepositoryAccess:
    """Reads the secrets fresh each time; `gates` let a pause that a server asks for hold for all objects."""

    secrets: Secrets
    registry_secrets: RegistrySecrets
    identities: Identities
    gates: Gates = field(default_factory=Gates)

    async def http(self, repo: HelmRepository) -> HttpAccess:
        """Raises Stalled for a URL that cannot work, Failure for secrets that cannot be used."""
        require_http(repo.url)
        try:
            secret = await self._read(repo, repo.secret)
            certificates = await self._read(repo, repo.cert_secret)
            if certificates is not None:
                _require_tls(certificates)
            elif secret is not None and _LEGACY_TLS & secret.data.keys():
                certificates = secret
            certificate, private_key, authority = tls_of(certificates) if certificates else ("", "", "")
            authorization = basic_of(secret) if secret else ""
        except SecretUnusable as error:
            raise Failure(str(error), reason=Reason.AUTHENTICATION_FAILED) from error
        opening = Opening(ca=authority, certificate=certificate, private_key=private_key)
        return HttpAccess(repo.url, opening, authorization, repo.pass_credentials, self.gates)

    def anonymous(self, url: str) -> HttpAccess:
        """For a repository that no HelmRepository of the namespace describes. Raises Stalled."""
        require_http(url)
        return HttpAccess(url, gates=self.gates)

    async def registry(self, repo: HelmRepository, repository: Repository) -> Opening:
        """What opens a repository of type oci. Raises Failure."""
        named = Named(repo.key.namespace, cert_secret=repo.cert_secret)
        try:
            anonymous = await self.registry_secrets.opening(named, ANONYMOUS, insecure=repo.insecure)
            return replace(anonymous, login=await self._login(repo, repository))
        except (SecretUnusable, InvalidCredentials, CloudError) as error:
            raise Failure(str(error), reason=Reason.AUTHENTICATION_FAILED) from error

    async def _login(self, repo: HelmRepository, repository: Repository) -> Login:
        secret = await self._read(repo, repo.secret)
        if secret is not None:
            return _registry_login(secret, repository)
        if repo.provider is OciProvider.GENERIC:
            return ANONYMOUS
        # The process's own identity: these objects cannot name a ServiceAccount.
        token = await self.identities.registry_login(Cloud(repo.provider), None, repository.host)
        return Login(token.username, token.text)

    async def _read(self, repo: HelmRepository, name: str) -> Secret | None:
        return await self.secrets.read(repo.key.namespace, name) if name else None


def require_http(url: str) -> None:
    """Raises Stalled."""
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise Stalled("invalid Helm repository URL: it cannot be parsed", reason=Reason.URL_INVALID) from None
    if parts.scheme == "oci":
        message = f"invalid Helm repository URL: '{shown(url)}' needs spec.type 'oci'"
        raise Stalled(message, reason=Reason.URL_INVALID)
    if parts.scheme not in ("http", "https") or not usable:
        message = f"invalid Helm repository URL: '{shown(url)}'"
        raise Stalled(message, reason=Reason.URL_INVALID)


def basic_of(secret: Secret) -> str:
    """An Authorization header, or nothing where the secret has neither name nor password."""
    username, password = secret.text("username"), secret.text("password")
    if bool(username) != bool(password):
        raise SecretUnusable(f"secret '{secret.name}': 'username' and 'password' need each other")
    return basic(username, password) if username else ""


def _registry_login(secret: Secret, repository: Repository) -> Login:
    """Name and password, or the entry for the registry in a docker configuration, which must have one."""
    if _DOCKER_CONFIG not in secret.data:
        basic_of(secret)
        return Login(secret.text("username"), secret.text("password"))
    login = find_login(parse_docker_config(secret.data[_DOCKER_CONFIG]), repository)
    if not login:
        raise SecretUnusable(f"secret '{secret.name}': no auth config for '{repository.host}'")
    return login


def index_url(url: str) -> str:
    """Where the index of a repository is; a query stays."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{INDEX}", fragment=""))


def _require_tls(secret: Secret) -> None:
    certificate, _, authority = tls_of(secret)
    if not certificate and not authority:
        raise SecretUnusable(f"secret '{secret.name}': neither 'ca.crt' nor 'tls.crt' and 'tls.key'")
