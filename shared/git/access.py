"""What opens a GitRepository: its URL, its secrets, its proxy, or a token fetched with them."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from shared.git.client import Git, GitHubApp
from shared.git.credentials import SshAlgorithms, github_app_of, is_github_app, proxy_of, remote_of
from shared.git.remote import Proxy, Remote, RemoteUrl, parse_url
from shared.logic.secret import Secret
from shared.model.source import GitProvider, GitRepository

_GITHUB_USER = "x-access-token"
_TOKEN_SECONDS = timedelta(seconds=30)

ReadSecret = Callable[[str, str], Awaitable[Secret]]
"""Namespace and name -> the secret. Raises SecretUnusable."""


class ProviderUnusable(Exception):
    """The spec asks for a provider that cannot work as it stands."""


class ProviderMismatch(Exception):
    """The secret is not what the provider needs; another one would do."""


@dataclass(frozen=True, slots=True)
class GitLogin:
    """Either a user and a password, or a bearer token."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)


class LogIn(Protocol):
    """Makes a login of a cloud's identity; what it raises passes through."""

    def __call__(self, repo: GitRepository, url: str, proxy: str) -> Awaitable[GitLogin]: ...


class Tokens(Protocol):
    """Where tokens are kept between runs; `expires` in seconds of the epoch."""

    def find(self, key: Hashable) -> str | None: ...
    def keep(self, key: Hashable, token: str, expires: float) -> None: ...


class Access:
    """Reads everything anew for each run, but for tokens that are still good."""

    def __init__(
        self, read: ReadSecret, git: Git, tokens: Tokens, algorithms: SshAlgorithms, log_in: LogIn
    ) -> None:
        self._read_secret, self._git, self._tokens = read, git, tokens
        self._algorithms, self._log_in = algorithms, log_in

    async def remote(self, repo: GitRepository) -> Remote:
        """Raises SecretUnusable, ConflictingCredentials, ProviderUnusable, ProviderMismatch,
        InvalidRemote for the URL, any GitError for a token, and what the login of a cloud raises.
        """
        proxy = proxy_of(await self._read(repo, repo.proxy_secret)) if repo.proxy_secret else None
        url = parse_url(repo.url)
        secret = await self._read(repo, repo.secret) if repo.secret else None
        if repo.provider is GitProvider.GITHUB:
            return await self._github(url, secret, proxy)
        if secret is not None and is_github_app(secret):
            raise ProviderMismatch(
                f"secretRef '{secret.name}' has github app data but provider is not set to github"
            )
        remote = remote_of(url, secret, proxy, self._algorithms)
        if repo.provider is GitProvider.GENERIC:
            return remote
        login = await self._log_in(repo, url.clean, proxy.with_credentials if proxy else "")
        return replace(remote, username=login.username, password=login.password, bearer=login.bearer)

    async def _read(self, repo: GitRepository, name: str) -> Secret:
        return await self._read_secret(repo.key.namespace, name)

    async def _github(self, url: RemoteUrl, secret: Secret | None, proxy: Proxy | None) -> Remote:
        if secret is None:
            raise ProviderUnusable(
                "secretRef with github app data must be specified when provider is set to github"
            )
        if not is_github_app(secret):
            raise ProviderMismatch(
                f"secretRef '{secret.name}' must contain github app data when provider is set to github"
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
        token, expires_at = await self._git.installation_token(api, app, within=_TOKEN_SECONDS)
        self._tokens.keep(key, token, _moment(expires_at))
        return token


def _moment(rfc3339: str) -> float:
    """In seconds of the epoch; what cannot be read is over already."""
    try:
        return datetime.fromisoformat(rfc3339).timestamp()
    except ValueError:
        return 0.0
