"""What opens the registry of an ImageRepository (specs/image.md 5).

Secrets are read at once; a cloud's login is made when it is about to be used, so that its failure is one
of reading and not of configuration.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, urlsplit

from controllers.image_automation.image_name import may_be_plain
from shared.cloud.registry import Cloud
from shared.model.image import ImageProvider, ImageRepository
from shared.oci.docker_config import ANONYMOUS, Login, find_login
from shared.oci.opening import Opening, Proxy
from shared.oci.reference import Repository
from shared.runtime.identities import Identities
from shared.runtime.registry_secrets import Named, RegistrySecrets


class ImageAccess:
    def __init__(self, secrets: RegistrySecrets, identities: Identities) -> None:
        self._secrets, self._identities = secrets, identities

    def is_disabled(self, repo: ImageRepository) -> bool:
        """Whether it names a ServiceAccount for a cloud, and the feature gate for that is off."""
        is_cloud = repo.provider is not ImageProvider.GENERIC
        return is_cloud and bool(repo.service_account) and not self._identities.enabled

    async def opening(self, repo: ImageRepository, repository: Repository) -> Opening:
        """Certificates, proxy and, without a cloud, the login. Raises SecretUnusable, InvalidCredentials."""
        named = Named(
            repo.key.namespace,
            secret=repo.secret,
            service_account=repo.service_account,
            cert_secret=repo.cert_secret,
            proxy_secret=repo.proxy_secret,
        )
        login = ANONYMOUS
        if repo.provider is ImageProvider.GENERIC:
            login = find_login(await self._secrets.entries(named), repository)
        opening = await self._secrets.opening(named, login, insecure=repo.insecure)
        return replace(opening, plain=may_be_plain(repository.host))

    async def log_in(self, repo: ImageRepository, repository: Repository, opening: Opening) -> Opening:
        """The same with the login of a cloud, where one provides it. Raises CloudError."""
        if repo.provider is ImageProvider.GENERIC:
            return opening
        account = await self._identities.account(repo.key.namespace, repo.service_account)
        token = await self._identities.registry_login(
            Cloud(repo.provider), account, repository.host, proxy=_url(opening.proxy)
        )
        return replace(opening, login=Login(token.username, token.text))


def _url(proxy: Proxy | None) -> str:
    """With the credentials in it, as the clouds' libraries take it."""
    if proxy is None or not proxy.username:
        return proxy.url if proxy else ""
    user, password = quote(proxy.username, safe=""), quote(proxy.password, safe="")
    return urlsplit(proxy.url)._replace(netloc=f"{user}:{password}@{urlsplit(proxy.url).netloc}").geturl()
