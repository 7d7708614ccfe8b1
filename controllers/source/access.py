"""What opens a GitRepository: its URL, its secrets, its proxy, or a token fetched with them."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from controllers.source.conditions import Reason
from shared.git.client import Git, GitHubApp
from shared.git.credentials import (
    ConflictingCredentials,
    SshAlgorithms,
    github_app_of,
    is_github_app,
    proxy_of,
    remote_of,
)
from shared.git.errors import GitError, InvalidRemote
from shared.git.remote import Proxy, Remote, RemoteUrl, parse_url
from shared.kube.secrets import Secrets
from shared.logic.secret import Secret, SecretUnusable
from shared.model.source import GitProvider, GitRepository
from shared.runtime.failure import Failure, Stalled

_SHARE_OF_LIFETIME = 0.8
_GITHUB_USER = "x-access-token"


class TokenCache:
    """Tokens of GitHub Apps, each kept for 80 % of its life, at most `longest`; 0 entries keep none."""

    def __init__(self, size: int, longest: timedelta, now: Callable[[], float] = time.time) -> None:
        self._size, self._longest, self._now = size, longest.total_seconds(), now
        self._tokens: OrderedDict[tuple[str, ...], tuple[str, float]] = OrderedDict()

    def find(self, key: tuple[str, ...]) -> str | None:
        token, ends = self._tokens.get(key, ("", 0.0))
        return token if token and ends > self._now() else None

    def keep(self, key: tuple[str, ...], token: str, expires_at: str) -> None:
        """`expires_at` is RFC 3339; a token whose end cannot be read is not kept."""
        try:
            expiry = datetime.fromisoformat(expires_at).astimezone(UTC).timestamp()
        except ValueError:
            return
        life = min((expiry - self._now()) * _SHARE_OF_LIFETIME, self._longest)
        self._tokens[key] = (token, self._now() + life)
        while len(self._tokens) > self._size:
            self._tokens.popitem(last=False)


class Access:
    """`identities` says whether object-level workload identity is switched on."""

    def __init__(
        self, secrets: Secrets, git: Git, tokens: TokenCache, algorithms: SshAlgorithms, *, identities: bool
    ) -> None:
        self._secrets, self._git, self._tokens = secrets, git, tokens
        self._algorithms, self._identities = algorithms, identities

    async def remote(self, repo: GitRepository) -> Remote:
        """Raises Failure or Stalled with the reasons of spec source 3."""
        try:
            proxy = await self._proxy(repo)
            url = _url(repo)
            secret = await self._read(repo, repo.secret) if repo.secret else None
            if repo.provider is GitProvider.GITHUB:
                return await self._github(url, secret, proxy)
            self._require_plain(repo, secret)
            return remote_of(url, secret, proxy, self._algorithms)
        except SecretUnusable as error:
            raise Failure(str(error), reason=Reason.AUTHENTICATION_FAILED) from error
        except ConflictingCredentials as error:
            raise Failure(str(error), reason=Reason.GIT_OPERATION_FAILED) from error

    async def _proxy(self, repo: GitRepository) -> Proxy | None:
        return proxy_of(await self._read(repo, repo.proxy_secret)) if repo.proxy_secret else None

    async def _read(self, repo: GitRepository, name: str) -> Secret:
        return await self._secrets.read(repo.key.namespace, name)

    def _require_plain(self, repo: GitRepository, secret: Secret | None) -> None:
        if repo.service_account and not self._identities:
            raise Stalled(
                "to use spec.serviceAccountName for provider authentication please enable the "
                "ObjectLevelWorkloadIdentity feature gate in the controller",
                reason=Reason.FEATURE_GATE_DISABLED,
            )
        if repo.provider is not GitProvider.GENERIC:
            raise Stalled(
                f"provider '{repo.provider}' needs a cloud identity, which this installation cannot obtain: "
                "use provider 'generic' with a secretRef",
                reason=Reason.INVALID_PROVIDER,
            )
        if secret is not None and is_github_app(secret):
            raise Failure(
                f"secretRef '{secret.name}' has github app data but provider is not set to github",
                reason=Reason.INVALID_PROVIDER,
            )

    async def _github(self, url: RemoteUrl, secret: Secret | None, proxy: Proxy | None) -> Remote:
        if secret is None:
            raise Stalled(
                "secretRef with github app data must be specified when provider is set to github",
                reason=Reason.INVALID_PROVIDER,
            )
        if not is_github_app(secret):
            raise Failure(
                f"secretRef '{secret.name}' must contain github app data when provider is set to github",
                reason=Reason.INVALID_PROVIDER,
            )
        app, api = github_app_of(secret, proxy)
        token = await self._token(app, api)
        return Remote(
            url.clean,
            username=_GITHUB_USER,
            password=token,
            ca=api.ca,
            certificate=api.certificate,
            private_key=api.private_key,
            proxy=proxy,
        )

    async def _token(self, app: GitHubApp, api: Remote) -> str:
        key = (api.url, app.app_id, app.installation_id, app.owner, app.private_key)
        known = self._tokens.find(key)
        if known is not None:
            return known
        try:
            token, expires_at = await self._git.installation_token(api, app, within=timedelta(seconds=30))
        except GitError as error:
            raise Failure(str(error), reason=Reason.AUTHENTICATION_FAILED) from error
        self._tokens.keep(key, token, expires_at)
        return token


def _url(repo: GitRepository) -> RemoteUrl:
    try:
        return parse_url(repo.url)
    except InvalidRemote as error:
        raise Stalled(str(error), reason=Reason.URL_INVALID) from error
