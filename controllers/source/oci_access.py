"""What opens an OCIRepository: the login, certificates and proxy of its secrets (spec source 9.3)."""

from typing import Any

from controllers.source.conditions import Reason
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.kube.secrets import Secrets
from shared.logic.secret import Secret, SecretUnusable, tls_of
from shared.model.kinds import SERVICE_ACCOUNT
from shared.model.source import OciProvider, OciRepository
from shared.oci.docker_config import ANONYMOUS, Entry, Login, find_login, parse_docker_config
from shared.oci.errors import InvalidCredentials
from shared.oci.opening import Opening, Proxy
from shared.oci.reference import Repository
from shared.runtime.failure import Failure, Stalled

_CONFIG, _OLDER_CONFIG = ".dockerconfigjson", ".dockercfg"
_MAX_PULL_SECRETS = 50


class OciAccess:
    """`identities` says whether object-level workload identity is switched on."""

    def __init__(self, client: KubeClient, secrets: Secrets, *, identities: bool) -> None:
        self._client, self._secrets, self._identities = client, secrets, identities

    async def opening(self, repo: OciRepository, repository: Repository) -> Opening:
        """Raises Failure or Stalled with the reasons of spec source 9.2."""
        try:
            entries = await self._entries(repo)
            if not entries:
                self._require_no_identity(repo)
            return await self._opening(repo, find_login(entries, repository))
        except (SecretUnusable, InvalidCredentials) as error:
            raise Failure(str(error), reason=Reason.AUTHENTICATION_FAILED) from error

    async def _entries(self, repo: OciRepository) -> list[Entry]:
        """Of the object's own secret first: the first of equally good keys wins."""
        names = [repo.secret] if repo.secret else []
        if repo.service_account:
            names += await self._pull_secrets(repo)
        entries: list[Entry] = []
        for name in names:
            entries += _entries_of(await self._read(repo, name))
        return entries

    async def _pull_secrets(self, repo: OciRepository) -> list[str]:
        shown = f"{repo.key.namespace}/{repo.service_account}"
        try:
            account = await self._client.find(SERVICE_ACCOUNT, repo.key.namespace, repo.service_account)
        except KubeError as error:
            raise SecretUnusable(f"failed to get service account '{shown}': {error}") from error
        if account is None:
            raise SecretUnusable(f"service account '{shown}' not found")
        listed: list[dict[str, Any]] = account.get("imagePullSecrets") or []
        return [each["name"] for each in listed[:_MAX_PULL_SECRETS] if each.get("name")]

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

    async def _opening(self, repo: OciRepository, login: Login) -> Opening:
        certificate = private_key = authority = ""
        if repo.cert_secret:
            secret = await self._read(repo, repo.cert_secret)
            certificate, private_key, authority = tls_of(secret)
            if not certificate and not authority:
                raise SecretUnusable(f"secret '{secret.name}': neither 'ca.crt' nor 'tls.crt' and 'tls.key'")
        proxy = _proxy_of(await self._read(repo, repo.proxy_secret)) if repo.proxy_secret else None
        return Opening(login or ANONYMOUS, authority, certificate, private_key, proxy, repo.insecure)

    async def _read(self, repo: OciRepository, name: str) -> Secret:
        return await self._secrets.read(repo.key.namespace, name)


def _entries_of(secret: Secret) -> list[Entry]:
    legacy = _CONFIG not in secret.data and _OLDER_CONFIG in secret.data
    key = _OLDER_CONFIG if legacy else _CONFIG
    if key not in secret.data:
        raise SecretUnusable(f"secret '{secret.name}': key '{_CONFIG}' not found")
    try:
        return parse_docker_config(secret.data[key], legacy=legacy)
    except InvalidCredentials as error:
        raise SecretUnusable(f"secret '{secret.name}': {error}") from error


def _proxy_of(secret: Secret) -> Proxy:
    username = secret.text("username")
    try:
        return Proxy(secret.require("address"), username, secret.text("password") if username else "")
    except (InvalidCredentials, ValueError) as error:
        raise SecretUnusable(f"secret '{secret.name}': {error}") from error
