from datetime import timedelta
from pathlib import Path

import pytest

from shared.git.client import Git
from shared.git.errors import RepositoryRefused
from shared.git.remote import Proxy, Remote
from shared.git.submodules import module_remote
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer

SOON = timedelta(seconds=60)
PARENT = Remote(
    "https://host/group/repo.git", username="u", password="p", ca="pem", proxy=Proxy("http://p:1")
)


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("../lib.git", "https://host/group/lib.git"),
        ("../../lib.git", "https://host/lib.git"),
        ("./sub.git", "https://host/group/repo.git/sub.git"),
        ("../../../../lib.git", "https://host/lib.git"),
        ("https://host/x.git", "https://host/x.git"),
        ("https://HOST:443/x.git", "https://HOST:443/x.git"),
    ],
)
def test_the_own_origin_keeps_its_credentials(url: str, resolved: str) -> None:
    remote = module_remote(PARENT, url)

    assert (remote.url, remote.username, remote.password, remote.ca) == (resolved, "u", "p", "pem")


@pytest.mark.parametrize(
    "url", ["https://other/x.git", "http://host/x.git", "https://host:8443/x.git", "ssh://host/x"]
)
def test_another_origin_gets_none(url: str) -> None:
    remote = module_remote(PARENT, url)

    assert (remote.username, remote.password) == ("", "")
    assert (remote.ca, remote.proxy) == (PARENT.ca, PARENT.proxy)


@pytest.mark.parametrize(
    "url", ["file:///etc", "/etc", "git://host/x", "ext::sh -c id", "-u./x", "git@host:x", ""]
)
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(RepositoryRefused, match="refused"):
        module_remote(PARENT, url)


def add_module(repo: GitRepo, name: str, path: str) -> None:
    source = repo.path.parent / f"{name}.git"
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "--force", str(source), path)
    repo.git("config", "-f", ".gitmodules", f"submodule.{path}.url", f"../{name}.git")


async def test_modules_of_modules(git: Git, server: HttpGitServer, tmp_path: Path) -> None:
    inner = server.repo("inner").commit({"i": "1"})
    middle_repo = server.repo("middle")
    add_module(middle_repo, "inner", "deps/inner")
    middle = middle_repo.commit({"m": "1"})
    repo = server.repo()
    add_module(repo, "middle", "middle")
    commit = repo.commit({"a": "1"})
    remote = Remote(server.url_of())
    await git.fetch(remote, commit, tmp_path / "git", within=SOON)

    modules = await git.fetch_submodules(remote, tmp_path / "git", commit, within=SOON)

    assert [(module.path, module.commit) for module in modules] == [
        (("middle",), middle),
        (("middle", "deps", "inner"), inner),
    ]


async def test_a_link_without_declaration(git: Git, server: HttpGitServer, tmp_path: Path) -> None:
    repo = server.repo()
    repo.commit({"a": "1"})
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.head()},mystery")
    repo.git("commit", "-q", "-m", "link")
    repo.push("HEAD:refs/heads/main")
    remote = Remote(server.url_of())
    await git.fetch(remote, repo.head(), tmp_path / "git", within=SOON)

    with pytest.raises(RepositoryRefused, match="'mystery' is not declared"):
        await git.fetch_submodules(remote, tmp_path / "git", repo.head(), within=SOON)


async def test_a_module_that_contains_itself_ends(git: Git, server: HttpGitServer, tmp_path: Path) -> None:
    """Every commit of the repository links to the one before, so that following never finds an end soon."""
    repo = server.repo()
    commit = repo.commit(
        {"a": "0", ".gitmodules": '[submodule "self"]\n\tpath = self\n\turl = ../repo.git\n'}
    )
    for _ in range(12):
        repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},self")
        repo.git("commit", "-q", "-m", "deeper")
        commit = repo.head()
    repo.push("HEAD:refs/heads/main")
    remote = Remote(server.url_of())
    await git.fetch(remote, commit, tmp_path / "git", within=SOON)

    with pytest.raises(RepositoryRefused, match="deeper than"):
        await git.fetch_submodules(remote, tmp_path / "git", commit, within=SOON)
