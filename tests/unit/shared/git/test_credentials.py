import pytest

from shared.git.credentials import (
    ConflictingCredentials,
    SshAlgorithms,
    github_app_of,
    proxy_of,
    remote_of,
)
from shared.git.remote import Proxy, Remote, parse_url
from shared.logic.secret import Secret, SecretUnusable

HTTPS, SSH = "https://example.org/x", "ssh://ada@example.org/x"
NONE = SshAlgorithms()


def secret(**data: str) -> Secret:
    return Secret("apps/auth", {key.replace("__", "."): value.encode() for key, value in data.items()})


@pytest.mark.parametrize(
    ("url", "data", "remote"),
    [
        pytest.param(HTTPS, None, Remote(HTTPS), id="anonymous"),
        pytest.param(
            "https://u:p%40@example.org/x", None, Remote(HTTPS, username="u", password="p@"), id="in the URL"
        ),
        pytest.param(
            "https://u:p@example.org/x",
            {"username": "ada", "password": "s"},
            Remote(HTTPS, username="ada", password="s"),
            id="the secret beats the URL",
        ),
        pytest.param(HTTPS, {"username": "ada"}, Remote(HTTPS, username="ada"), id="a user without password"),
        pytest.param(
            HTTPS,
            {"bearerToken": "t", "username": "u", "password": "p"},
            Remote(HTTPS, bearer="t"),
            id="bearer wins",
        ),
        pytest.param(
            HTTPS,
            {"tls__crt": "c", "tls__key": "k", "ca__crt": "a", "caFile": "old"},
            Remote(HTTPS, certificate="c", private_key="k", ca="a"),
            id="TLS",
        ),
        pytest.param(
            HTTPS,
            {"certFile": "c", "keyFile": "k", "caFile": "a"},
            Remote(HTTPS, certificate="c", private_key="k", ca="a"),
            id="TLS under its old names",
        ),
        pytest.param(
            SSH,
            {"identity": "i", "known_hosts": "h", "password": "open"},
            Remote("ssh://example.org/x", username="ada", identity="i", known_hosts="h", passphrase="open"),
            id="ssh",
        ),
    ],
)
def test_remote_of(url: str, data: dict[str, str] | None, remote: Remote) -> None:
    assert remote_of(parse_url(url), secret(**data) if data else None, None, NONE) == remote


def test_ssh_takes_the_user_git_the_proxy_and_the_algorithms() -> None:
    proxy, algorithms = Proxy("socks5://p:1"), SshAlgorithms(("kex",), ("key",))
    remote = remote_of(parse_url("ssh://h/x"), secret(identity="i", known_hosts="h"), proxy, algorithms)

    assert (remote.username, remote.proxy) == ("git", proxy)
    assert (remote.kex_algorithms, remote.host_key_algorithms) == (("kex",), ("key",))


@pytest.mark.parametrize(
    ("url", "data", "words"),
    [
        pytest.param(SSH, None, "needs a secretRef", id="ssh without secret"),
        pytest.param(SSH, {"identity": "i"}, "key 'known_hosts' not found", id="ssh without known hosts"),
        pytest.param(SSH, {"known_hosts": "i"}, "key 'identity' not found", id="ssh without key"),
        pytest.param(HTTPS, {"password": "p"}, "without 'username'", id="password alone"),
        pytest.param(HTTPS, {"tls__crt": "c"}, "need each other", id="half a TLS pair"),
    ],
)
def test_unusable_secrets(url: str, data: dict[str, str] | None, words: str) -> None:
    with pytest.raises(SecretUnusable, match=words):
        remote_of(parse_url(url), secret(**data) if data else None, None, NONE)


def test_a_bearer_token_beside_credentials_in_the_url() -> None:
    with pytest.raises(ConflictingCredentials):
        remote_of(parse_url("https://u:p@h/x"), secret(bearerToken="t"), None, NONE)


def test_proxy() -> None:
    found = proxy_of(secret(address="http://proxy:3128", username="u", password="p"))

    assert found == Proxy("http://proxy:3128", "u", "p")
    assert proxy_of(secret(address="http://proxy:3128", password="p")).password == ""


@pytest.mark.parametrize("data", [{}, {"address": "ftp://x"}, {"address": "http://" + "x" * 3000}], ids=len)
def test_unusable_proxies(data: dict[str, str]) -> None:
    with pytest.raises(SecretUnusable):
        proxy_of(secret(**data))


def test_github_app() -> None:
    given = secret(githubAppID="7\n", githubAppPrivateKey="k", githubAppInstallationOwner="acme", ca__crt="a")
    app, api = github_app_of(given, None)

    assert (app.app_id, app.owner, app.installation_id) == ("7", "acme", "")
    assert (api.url, api.ca) == ("https://api.github.com", "a")


@pytest.mark.parametrize(
    "data",
    [
        {"githubAppID": "7", "githubAppPrivateKey": "k"},
        {
            "githubAppID": "7",
            "githubAppPrivateKey": "k",
            "githubAppInstallationOwner": "o",
            "githubAppInstallationID": "1",
        },
        {"githubAppID": "7", "githubAppInstallationID": "1"},
    ],
    ids=["neither owner nor id", "both", "no key"],
)
def test_unusable_github_apps(data: dict[str, str]) -> None:
    with pytest.raises(SecretUnusable):
        github_app_of(secret(**data), None)


def test_nothing_secret_is_ever_shown() -> None:
    remote = remote_of(parse_url("https://u:hunter2@h/x"), None, Proxy("http://p:1", "u", "hunter2"), NONE)

    assert "hunter2" not in repr(remote)
    assert "hunter2" not in repr(secret(password="hunter2"))
