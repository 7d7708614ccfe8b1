"""Listing and fetching over the genuine protocol, in genuine worker processes."""

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest
from dulwich.repo import Repo

from shared.git.client import Git
from shared.git.errors import (
    AuthenticationFailed,
    GitTimeout,
    HostKeyMismatch,
    ReferenceNotFound,
    RemoteUnreachable,
    RepositoryNotFound,
    RepositoryRefused,
)
from shared.git.http_transport import _is_for
from shared.git.remote import Remote, origin_of
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer, SshGitServer, http_git_server

SOON = timedelta(seconds=30)


async def test_list_is_limited_to_prefixes(git: Git, server: HttpGitServer) -> None:
    repo = server.repo()
    commit = repo.commit({"a": "1"})
    tag = repo.tag("v1", annotated=True)
    remote = Remote(server.url_of())

    assert await git.list_refs(remote, ["refs/heads/main"], within=SOON) == {"refs/heads/main": commit}
    assert await git.list_refs(remote, ["refs/tags/"], within=SOON) == {
        "refs/tags/v1": tag,
        "refs/tags/v1^{}": commit,
    }


async def test_fetch_is_shallow_and_tells_of_the_commit(
    git: Git, server: HttpGitServer, tmp_path: Path
) -> None:
    repo = server.repo()
    old = repo.commit({"a": "1"})
    commit = repo.commit({"a": "2"}, "Second\n\nwith a body")

    found = await git.fetch(Remote(server.url_of()), commit, tmp_path / "bare", within=SOON)

    assert (found.hash, found.subject, found.tag) == (commit, "Second", "")
    with contextlib.closing(Repo(str(tmp_path / "bare"))) as bare:
        assert old.encode() not in bare.object_store


async def test_an_annotated_tag_leads_to_its_commit(git: Git, server: HttpGitServer, tmp_path: Path) -> None:
    repo = server.repo()
    commit = repo.commit({"a": "1"})
    tag = repo.tag("v1", annotated=True)

    found = await git.fetch(Remote(server.url_of()), tag, tmp_path / "bare", within=SOON)

    assert (found.hash, found.tag) == (commit, tag)


async def test_a_commit_that_no_ref_points_at(git: Git, server: HttpGitServer, tmp_path: Path) -> None:
    repo = server.repo()
    old = repo.commit({"a": "1"})
    repo.commit({"a": "2"})

    assert (await git.fetch(Remote(server.url_of()), old, tmp_path / "bare", within=SOON)).hash == old


async def test_a_server_of_the_old_protocol(git: Git, server: HttpGitServer, tmp_path: Path) -> None:
    """It hangs up on commits that no ref points at, which are then found in the whole history."""
    server.old = True
    repo = server.repo()
    old = repo.commit({"a": "1"})
    new = repo.commit({"a": "2"})
    remote = Remote(server.url_of())

    assert await git.list_refs(remote, ["refs/heads/"], within=SOON) == {"refs/heads/main": new}
    assert (await git.fetch(remote, new, tmp_path / "new", within=SOON)).hash == new
    assert (await git.fetch(remote, old, tmp_path / "old", within=SOON)).hash == old
    with pytest.raises(ReferenceNotFound):
        await git.fetch(remote, "f" * 40, tmp_path / "none", within=SOON)


async def test_a_server_without_shallow_clones(git: Git, server: HttpGitServer, tmp_path: Path) -> None:
    """Only servers of the old protocol ever lacked them."""
    server.old = True
    server.mangle = lambda raw: raw.replace(b"shallow", b"shxllow")
    repo = server.repo()
    repo.commit({"a": "1"})
    commit = repo.commit({"a": "2"})

    assert (await git.fetch(Remote(server.url_of()), commit, tmp_path / "bare", within=SOON)).hash == commit


@pytest.mark.parametrize(
    ("given", "target", "sent"),
    [
        ("http://host/x", "http://host/y", True),
        ("http://host/x", "https://host/x", True),
        ("https://host/x", "http://host/x", False),
        ("http://host:8080/x", "https://host/x", False),
        ("https://host/x", "https://host:8443/x", False),
        ("https://host/x", "https://sub.host/x", False),
    ],
)
def test_whom_credentials_are_for(given: str, target: str, sent: bool) -> None:
    assert _is_for(origin_of(given), origin_of(target)) is sent


async def test_an_unknown_commit(git: Git, server: HttpGitServer, tmp_path: Path) -> None:
    server.repo().commit({"a": "1"})
    with pytest.raises(ReferenceNotFound, match="f" * 40):
        await git.fetch(Remote(server.url_of()), "f" * 40, tmp_path / "bare", within=SOON)


async def test_an_empty_repository_has_no_refs(git: Git, server: HttpGitServer) -> None:
    server.repo()

    assert await git.list_refs(Remote(server.url_of()), ["refs/"], within=SOON) == {}


async def test_credentials(git: Git, server: HttpGitServer) -> None:
    server.repo().commit({"a": "1"})
    url = server.url_of()

    server.username, server.password = "ada", "s3cr3t"
    assert await git.list_refs(Remote(url, username="ada", password="s3cr3t"), ["refs/"], within=SOON)
    with pytest.raises(AuthenticationFailed, match="authentication required") as caught:
        await git.list_refs(Remote(url, username="ada", password="wr0ng"), ["refs/"], within=SOON)
    assert "wr0ng" not in str(caught.value)

    server.bearer = "t0ken"
    assert await git.list_refs(Remote(url, bearer="t0ken"), ["refs/"], within=SOON)
    with pytest.raises(AuthenticationFailed):
        await git.list_refs(Remote(url), ["refs/"], within=SOON)


async def test_a_repository_that_is_not_there(git: Git, server: HttpGitServer) -> None:
    server.root.mkdir()
    with pytest.raises(RepositoryNotFound, match=r"/nothing\.git"):
        await git.list_refs(Remote(server.url_of("nothing")), ["refs/"], within=SOON)


async def test_a_server_that_fails_or_is_not_there(git: Git, server: HttpGitServer) -> None:
    server.status = 503
    with pytest.raises(RemoteUnreachable, match="503"):
        await git.list_refs(Remote(server.url_of()), ["refs/"], within=SOON)
    with pytest.raises(RemoteUnreachable, match="refused"):
        await git.list_refs(Remote("http://127.0.0.1:1/x.git"), ["refs/"], within=SOON)


async def test_a_server_that_is_no_git_server(git: Git, server: HttpGitServer) -> None:
    server.status = 200
    with pytest.raises(RepositoryNotFound, match="does not speak git"):
        await git.list_refs(Remote(server.url_of()), ["refs/"], within=SOON)


async def test_a_hanging_server_is_given_up_on_time(git: Git, server: HttpGitServer) -> None:
    server.hang = True
    with pytest.raises(GitTimeout, match="timed out after 2s"):
        await git.list_refs(Remote(server.url_of()), ["refs/"], within=timedelta(seconds=2))
    server.hang = False
    server.repo().commit({"a": "1"})
    assert await git.list_refs(Remote(server.url_of()), ["refs/"], within=SOON), (
        "the next job has a new worker"
    )


async def test_a_redirect_to_another_origin_gets_no_credentials(
    git: Git, server: HttpGitServer, tmp_path: Path
) -> None:
    async with http_git_server(tmp_path / "other") as other:
        commit = other.repo().commit({"a": "1"})
        server.redirect_to = other.url
        remote = Remote(server.url_of(), username="ada", password="s3cr3t")

        assert (await git.fetch(remote, commit, tmp_path / "bare", within=SOON)).hash == commit
        assert "Authorization" in server.calls[0].headers
        assert all("Authorization" not in call.headers for call in other.calls)


@pytest.mark.parametrize("target", ["file:///etc", "ssh://127.0.0.1", "ftp://127.0.0.1"])
async def test_a_redirect_to_another_scheme_is_refused(git: Git, server: HttpGitServer, target: str) -> None:
    server.redirect_to = target
    with pytest.raises(RepositoryRefused, match="redirect"):
        await git.list_refs(Remote(server.url_of()), ["refs/"], within=SOON)


async def test_an_endless_redirect_is_refused(git: Git, server: HttpGitServer) -> None:
    server.redirect_to = server.url
    with pytest.raises(RepositoryRefused, match="redirects"):
        await git.list_refs(Remote(server.url_of()), ["refs/"], within=SOON)


def ssh_remote(ssh: SshGitServer, **changes: str) -> Remote:
    given = {"username": "git", "identity": ssh.identity(), "known_hosts": ssh.known_hosts}
    return Remote(ssh.url_of(), **(given | changes))


async def test_ssh(git: Git, ssh: SshGitServer, tmp_path: Path) -> None:
    commit = GitRepo.create(ssh.root / "repo.git").commit({"a": "1"})
    remote = ssh_remote(ssh)

    assert await git.list_refs(remote, ["refs/heads/"], within=SOON) == {"refs/heads/main": commit}
    assert (await git.fetch(remote, commit, tmp_path / "bare", within=SOON)).hash == commit


async def test_ssh_of_the_old_protocol(git: Git, ssh: SshGitServer, tmp_path: Path) -> None:
    ssh.old = True
    repo = GitRepo.create(ssh.root / "repo.git")
    old = repo.commit({"a": "1"})
    commit = repo.commit({"a": "2"})
    remote = ssh_remote(ssh)

    assert await git.list_refs(remote, ["refs/heads/main"], within=SOON) == {"refs/heads/main": commit}
    assert (await git.fetch(remote, commit, tmp_path / "bare", within=SOON)).hash == commit
    assert (await git.fetch(remote, old, tmp_path / "old", within=SOON)).hash == old


async def test_an_encrypted_ssh_key_needs_its_passphrase(git: Git, ssh: SshGitServer) -> None:
    GitRepo.create(ssh.root / "repo.git").commit({"a": "1"})
    identity = ssh.identity("open sesame")

    assert await git.list_refs(
        ssh_remote(ssh, identity=identity, passphrase="open sesame"), ["refs/"], within=SOON
    )
    with pytest.raises(AuthenticationFailed, match=r"encrypted|identity"):
        await git.list_refs(ssh_remote(ssh, identity=identity), ["refs/"], within=SOON)


async def test_another_host_key_is_refused(git: Git, ssh: SshGitServer) -> None:
    line = f"[127.0.0.1]:{ssh.port} {ssh.client_key.export_public_key().decode()}"
    with pytest.raises(HostKeyMismatch, match=r"127\.0\.0\.1"):
        await git.list_refs(ssh_remote(ssh, known_hosts=line), ["refs/"], within=SOON)


async def test_ssh_without_the_right_key_or_repository(git: Git, ssh: SshGitServer) -> None:
    stranger = ssh.host_key.export_private_key().decode()
    with pytest.raises(AuthenticationFailed, match="unable to authenticate"):
        await git.list_refs(ssh_remote(ssh, identity=stranger), ["refs/"], within=SOON)
    with pytest.raises(AuthenticationFailed, match="identity"):
        await git.list_refs(ssh_remote(ssh, identity="nonsense"), ["refs/"], within=SOON)
    with pytest.raises(RepositoryNotFound, match="does not appear"):
        await git.list_refs(ssh_remote(ssh), ["refs/"], within=SOON)
