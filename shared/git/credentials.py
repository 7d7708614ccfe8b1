"""From a URL and secrets to a Remote that opens the repository (spec source 7.1, 8.3): pure."""

from dataclasses import dataclass

from shared.git.client import GitHubApp
from shared.git.errors import InvalidRemote
from shared.git.remote import Proxy, Remote, RemoteUrl
from shared.logic.secret import Secret, SecretUnusable, tls_of

_GITHUB_API = "https://api.github.com"


class ConflictingCredentials(Exception):
    """The URL carries credentials, and the secret a bearer token."""


@dataclass(frozen=True, slots=True)
class SshAlgorithms:
    """Overrides from the flags; empty leaves the choice to the library."""

    key_exchange: tuple[str, ...] = ()
    host_key: tuple[str, ...] = ()


def remote_of(
    url: RemoteUrl, secret: Secret | None, proxy: Proxy | None, algorithms: SshAlgorithms
) -> Remote:
    """Raises SecretUnusable, ConflictingCredentials."""
    if url.scheme == "ssh":
        return _ssh_remote(url, secret, proxy, algorithms)
    if secret is None:
        return Remote(url.clean, username=url.username, password=url.password, proxy=proxy)
    certificate, private_key, authority = tls_of(secret)
    bearer = secret.text("bearerToken")
    if bearer and (url.username or url.password):
        raise ConflictingCredentials(
            "credentials in the URL and a bearer token in the secret exclude each other"
        )
    username, password = ("", "") if bearer else _basic(secret, url)
    return Remote(
        url.clean,
        username=username,
        password=password,
        bearer=bearer,
        ca=authority,
        certificate=certificate,
        private_key=private_key,
        proxy=proxy,
    )


def _ssh_remote(
    url: RemoteUrl, secret: Secret | None, proxy: Proxy | None, algorithms: SshAlgorithms
) -> Remote:
    if secret is None:
        raise SecretUnusable("ssh needs a secretRef with the keys 'identity' and 'known_hosts'")
    return Remote(
        url.clean,
        username=url.username or "git",
        identity=secret.require("identity"),
        known_hosts=secret.require("known_hosts"),
        passphrase=secret.text("password"),
        kex_algorithms=algorithms.key_exchange,
        host_key_algorithms=algorithms.host_key,
        proxy=proxy,
    )


def _basic(secret: Secret, url: RemoteUrl) -> tuple[str, str]:
    username, password = secret.text("username"), secret.text("password")
    if password and not username:
        raise SecretUnusable(f"secret '{secret.name}': 'password' is given without 'username'")
    return (username, password) if username else (url.username, url.password)


def proxy_of(secret: Secret) -> Proxy:
    """Raises SecretUnusable."""
    username = secret.text("username")
    try:
        return Proxy(secret.require("address"), username, secret.text("password") if username else "")
    except InvalidRemote as error:
        raise SecretUnusable(f"secret '{secret.name}': {error}") from error


def is_github_app(secret: Secret) -> bool:
    return "githubAppID" in secret.data


def github_app_of(secret: Secret, proxy: Proxy | None) -> tuple[GitHubApp, Remote]:
    """The app, and where and how its API is reached. Raises SecretUnusable."""
    owner = secret.text("githubAppInstallationOwner").strip()
    installation = secret.text("githubAppInstallationID").strip()
    if bool(owner) == bool(installation):
        raise SecretUnusable(
            f"secret '{secret.name}': give either 'githubAppInstallationOwner' or 'githubAppInstallationID'"
        )
    app = GitHubApp(
        secret.require("githubAppID").strip(), secret.require("githubAppPrivateKey"), installation, owner
    )
    certificate, private_key, authority = tls_of(secret)
    base = secret.text("githubAppBaseURL").strip() or _GITHUB_API
    return app, Remote(base, ca=authority, certificate=certificate, private_key=private_key, proxy=proxy)
