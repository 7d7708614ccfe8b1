"""TLS, client certificates and proxies, each against a genuine server."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.git.client import Git
from shared.git.errors import AuthenticationFailed, InvalidCredentials, InvalidRemote, RemoteUnreachable
from shared.git.remote import Proxy, Remote, parse_url, require_valid_ref, shown
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer, SshGitServer, http_git_server
from tests.fakes.proxy import FakeProxy, fake_proxy
from tests.fakes.tls import Authority

SOON = timedelta(seconds=30)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def proxy() -> AsyncIterator[FakeProxy]:
    async with fake_proxy() as running:
        yield running


async def test_tls_needs_the_right_authority(git: Git, authority: Authority, tmp_path: Path) -> None:
    async with http_git_server(tmp_path / "served", authority.server_context()) as server:
        server.repo().commit({"a": "1"})

        assert await git.list_refs(Remote(server.url_of(), ca=authority.pem), ["refs/"], within=SOON)
        with pytest.raises(RemoteUnreachable, match="certificate verify failed"):
            await git.list_refs(Remote(server.url_of()), ["refs/"], within=SOON)
        with pytest.raises(InvalidCredentials, match="cannot be read"):
            await git.list_refs(Remote(server.url_of(), ca="nonsense"), ["refs/"], within=SOON)


async def test_client_certificates(git: Git, authority: Authority, tmp_path: Path) -> None:
    async with http_git_server(tmp_path / "served", authority.server_context(clients=True)) as server:
        server.repo().commit({"a": "1"})
        certificate, key = authority.issue("client")
        remote = Remote(server.url_of(), ca=authority.pem, certificate=certificate, private_key=key)

        assert await git.list_refs(remote, ["refs/"], within=SOON)
        with pytest.raises(RemoteUnreachable):
            await git.list_refs(Remote(server.url_of(), ca=authority.pem), ["refs/"], within=SOON)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
async def test_proxies(
    git: Git, proxy: FakeProxy, authority: Authority, tmp_path: Path, scheme: str, *, secured: bool
) -> None:
    proxy.username, proxy.password = "ada", "s3cr3t"
    context = authority.server_context() if secured else None
    async with http_git_server(tmp_path / "served", context) as server:
        server.repo().commit({"a": "1"})
        url, address = server.url_of(), f"{scheme}://127.0.0.1:{proxy.port}"
        right = Remote(url, ca=authority.pem, proxy=Proxy(address, "ada", "s3cr3t"))
        wrong = Remote(url, ca=authority.pem, proxy=Proxy(address, "ada", "wr0ng"))

        assert await git.list_refs(right, ["refs/"], within=SOON)
        assert set(proxy.targets) == {server.url.split("//")[1]}
        with pytest.raises((AuthenticationFailed, RemoteUnreachable), match=r"proxy|[Tt]unnel|407"):
            await git.list_refs(wrong, ["refs/"], within=SOON)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_ssh_through_a_proxy(git: Git, proxy: FakeProxy, ssh: SshGitServer, scheme: str) -> None:
    GitRepo.create(ssh.root / "repo.git").commit({"a": "1"})
    remote = Remote(
        ssh.url_of(),
        username="git",
        identity=ssh.identity(),
        known_hosts=ssh.known_hosts,
        proxy=Proxy(f"{scheme}://127.0.0.1:{proxy.port}"),
    )

    assert await git.list_refs(remote, ["refs/"], within=SOON)
    assert proxy.targets == [f"127.0.0.1:{ssh.port}"]


async def test_a_proxy_that_is_not_there(git: Git, server: HttpGitServer) -> None:
    for scheme in ("http", "socks5"):
        remote = Remote(server.url_of(), proxy=Proxy(f"{scheme}://127.0.0.1:1"))
        with pytest.raises(RemoteUnreachable, match=r"proxy|refused"):
            await git.list_refs(remote, ["refs/"], within=SOON)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "file:///etc",
        "git@github.com:x/y",
        "https://exa mple.org/x",
        "https://-oProxyCommand=x/y",
        "ssh://-oProxyCommand=x@host/y",
        "http://host:99999/x",
        "http://[::1/x",
        "https://host/" + "x" * 5000,
        "https://host/\n",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(InvalidRemote):
        parse_url(url)


def test_a_url_is_shown_without_its_secrets() -> None:
    url = "https://user:hunter2@host:8443/a/b?token=hunter2#x"

    assert shown(url) == "https://host:8443/a/b"
    parsed = parse_url(url)
    assert (parsed.clean, parsed.username, parsed.password) == (
        "https://host:8443/a/b?token=hunter2",
        "user",
        "hunter2",
    )


@pytest.mark.parametrize("ref", ["refs/heads/main", "feature/x", "v1.0.0+b", "a-b_c", "refs/heads/-x", "ü"])
def test_valid_refs(ref: str) -> None:
    require_valid_ref(ref)
