"""Pushes to genuine git servers: what arrives, and what no push may ever take away."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from shared.git.client import Draft, Git, RefUpdate
from shared.git.errors import (
    AuthenticationFailed,
    GitError,
    GitTimeout,
    PushRaced,
    PushRejected,
    ReferenceNotFound,
    RemoteUnreachable,
    RepositoryNotFound,
    WorkerFailed,
)
from shared.git.remote import Remote
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer, SshGitServer

SOON = timedelta(seconds=20)
MAIN = "refs/heads/main"


@pytest.fixture
def served(server: HttpGitServer) -> GitRepo:
    repo = server.repo()
    repo.accept_pushes()
    for number in range(3):
        repo.commit({"apps/a.yaml": str(number), "apps/b/c.yaml": "c", "other/d.yaml": "d"})
    return repo


async def commit_on(git: Git, remote: Remote, served: GitRepo, folder: Path, parent: str) -> str:
    """A commit on top of what was fetched at depth 1, with the tree of the commit before."""
    await git.fetch(remote, parent, folder, within=SOON)
    tree = GitRepo(folder).show("rev-parse", f"{parent}^{{tree}}")
    draft = Draft(parent, tree, "Bot", "bot@x", f"on {parent}", 1_700_000_000)
    return await git.commit(folder, draft, within=SOON)


async def pushed(git: Git, remote: Remote, served: GitRepo, folder: Path) -> None:
    parent = served.head()
    new = await commit_on(git, remote, served, folder, parent)
    await git.push(remote, folder, [RefUpdate(MAIN, new, parent)], [], within=SOON)
    assert served.show("rev-parse", MAIN) == new
    assert served.show("log", "--format=%s", MAIN).splitlines() == [f"on {parent}", *["change"] * 3]
    served.show("fsck", "--strict")


async def test_over_http_with_a_login(
    git: Git, server: HttpGitServer, served: GitRepo, tmp_path: Path
) -> None:
    server.username, server.password = "ada", "s3cr3t"
    remote = Remote(server.url_of(), username="ada", password="s3cr3t")

    await pushed(git, remote, served, tmp_path / "fetched")

    with pytest.raises(AuthenticationFailed):
        await git.push(Remote(server.url_of()), tmp_path / "fetched", [], [], within=SOON)


async def test_over_ssh(git: Git, ssh: SshGitServer, tmp_path: Path) -> None:
    served = GitRepo.create(ssh.root / "repo.git")
    for _ in range(3):
        served.commit({})
    remote = Remote(ssh.url_of(), identity=ssh.identity(), known_hosts=ssh.known_hosts)

    await pushed(git, remote, served, tmp_path / "fetched")


async def test_a_new_branch_and_what_is_up_to_date(
    git: Git, server: HttpGitServer, served: GitRepo, tmp_path: Path
) -> None:
    remote, folder, parent = Remote(server.url_of()), tmp_path / "fetched", served.head()
    new = await commit_on(git, remote, served, folder, parent)
    update = RefUpdate("refs/heads/auto", new, "")

    await git.push(remote, folder, [update], [], within=SOON)
    assert served.show("rev-parse", "refs/heads/auto") == new
    assert served.show("rev-parse", MAIN) == parent
    with pytest.raises(PushRejected, match="already up-to-date"):
        await git.push(remote, folder, [update], [], within=SOON)


async def test_the_commit_of_another_is_never_lost(
    git: Git, server: HttpGitServer, served: GitRepo, tmp_path: Path
) -> None:
    remote, folder, parent = Remote(server.url_of()), tmp_path / "fetched", served.head()
    new = await commit_on(git, remote, served, folder, parent)
    theirs = served.commit({"x": "1"})

    for expected in (parent, "", "f" * 40):
        with pytest.raises(PushRaced, match="has moved meanwhile"):
            await git.push(remote, folder, [RefUpdate(MAIN, new, expected)], [], within=SOON)
    with pytest.raises(PushRaced):
        await git.push(remote, folder, [RefUpdate("refs/heads/gone", new, parent)], [], within=SOON)

    assert served.show("rev-parse", MAIN) == theirs


async def test_who_knows_what_is_there_may_replace_it(
    git: Git, server: HttpGitServer, served: GitRepo, tmp_path: Path
) -> None:
    remote, folder, parent = Remote(server.url_of()), tmp_path / "fetched", served.head()
    old = served.commit({"x": "1"}, branch="auto")
    new = await commit_on(git, remote, served, folder, parent)

    await git.push(remote, folder, [RefUpdate("refs/heads/auto", new, old)], [], within=SOON)

    assert served.show("rev-parse", "refs/heads/auto") == new


async def test_of_two_at_the_same_time_one_wins(
    git: Git, server: HttpGitServer, served: GitRepo, tmp_path: Path
) -> None:
    """The server itself refuses who sends what was true a moment ago."""
    remote, parent = Remote(server.url_of()), served.head()
    served.hook("pre-receive", "sleep 0.5")
    folders = [tmp_path / name for name in ("one", "two")]
    commits = []
    for number, folder in enumerate(folders):
        await git.fetch(remote, parent, folder, within=SOON)
        tree = GitRepo(folder).show("rev-parse", f"{parent}^{{tree}}")
        draft = Draft(parent, tree, "Bot", "bot@x", str(number), 1_700_000_000)
        commits.append(await git.commit(folder, draft, within=SOON))

    outcomes = await asyncio.gather(
        *(
            git.push(remote, folder, [RefUpdate(MAIN, new, parent)], [], within=SOON)
            for folder, new in zip(folders, commits, strict=True)
        ),
        return_exceptions=True,
    )

    lost = [outcome for outcome in outcomes if outcome is not None]
    assert [type(outcome) for outcome in lost] == [PushRaced]
    assert served.show("rev-parse", MAIN) == commits[outcomes.index(None)]


async def test_a_declined_push_says_what_the_server_said(
    git: Git, server: HttpGitServer, served: GitRepo, tmp_path: Path
) -> None:
    served.hook("pre-receive", "echo 'main is a protected branch' >&2; exit 1")
    remote, folder, parent = Remote(server.url_of()), tmp_path / "fetched", served.head()
    new = await commit_on(git, remote, served, folder, parent)

    with pytest.raises(
        PushRejected, match=r"pre-receive hook declined.*main is a protected branch"
    ) as raised:
        await git.push(remote, folder, [RefUpdate(MAIN, new, parent)], [], within=SOON)

    assert not isinstance(raised.value, PushRaced)
    assert served.show("rev-parse", MAIN) == parent


async def test_options_reach_the_server(
    git: Git, server: HttpGitServer, served: GitRepo, tmp_path: Path
) -> None:
    served.hook("post-receive", f'echo "$GIT_PUSH_OPTION_0 $GIT_PUSH_OPTION_1" > {tmp_path}/options')
    remote, folder, parent = Remote(server.url_of()), tmp_path / "fetched", served.head()
    new = await commit_on(git, remote, served, folder, parent)

    options = ["merge_request.create=true", "ci.skip="]
    await git.push(remote, folder, [RefUpdate(MAIN, new, parent)], options, within=SOON)

    assert (tmp_path / "options").read_text() == "merge_request.create=true ci.skip=\n"


async def test_options_that_a_server_does_not_take(
    git: Git, server: HttpGitServer, served: GitRepo, tmp_path: Path
) -> None:
    served.show("config", "receive.advertisePushOptions", "false")
    remote, folder, parent = Remote(server.url_of()), tmp_path / "fetched", served.head()
    new = await commit_on(git, remote, served, folder, parent)

    with pytest.raises(PushRejected, match="does not support push options"):
        await git.push(remote, folder, [RefUpdate(MAIN, new, parent)], ["a=b"], within=SOON)

    assert served.show("rev-parse", MAIN) == parent


async def test_servers_that_do_not_take_a_push(
    git: Git, server: HttpGitServer, served: GitRepo, tmp_path: Path
) -> None:
    remote, folder, parent = Remote(server.url_of()), tmp_path / "fetched", served.head()
    new = await commit_on(git, remote, served, folder, parent)
    update = [RefUpdate(MAIN, new, parent)]

    with pytest.raises(RepositoryNotFound):
        await git.push(Remote(server.url_of("other")), folder, update, [], within=SOON)
    served.show("config", "http.receivepack", "false")
    with pytest.raises(AuthenticationFailed):
        await git.push(remote, folder, update, [], within=SOON)
    server.status = 503
    with pytest.raises(RemoteUnreachable):
        await git.push(remote, folder, update, [], within=SOON)


async def test_what_leads_to_what(git: Git, server: HttpGitServer, served: GitRepo, tmp_path: Path) -> None:
    remote = Remote(server.url_of())
    first, last = served.git("rev-list", "HEAD").splitlines()[2], served.head()
    side = served.commit({"x": "1"}, branch="side")

    assert await git.leads_to(remote, first, last, tmp_path / "1", within=SOON)
    assert await git.leads_to(remote, last, last, tmp_path / "2", within=SOON)
    assert not await git.leads_to(remote, side, last, tmp_path / "3", within=SOON)
    with pytest.raises((ReferenceNotFound, RemoteUnreachable)):
        await git.leads_to(remote, first, "f" * 40, tmp_path / "4", within=SOON)


async def test_hostile_servers_end_a_push_with_an_error(
    git: Git, server: HttpGitServer, served: GitRepo, tmp_path: Path
) -> None:
    remote, folder, parent = Remote(server.url_of()), tmp_path / "fetched", served.head()
    new = await commit_on(git, remote, served, folder, parent)
    update = [RefUpdate(MAIN, new, parent)]
    for mangle in (
        lambda _raw: b"",
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw.replace(b"0000", b"zzzz"),
        lambda raw: b"ffff" + raw,
        lambda raw: raw.replace(MAIN.encode(), b"\xff\xfe"),
    ):
        server.mangle = mangle
        with pytest.raises(GitError) as raised:
            await git.push(remote, folder, update, [], within=SOON)
        assert not isinstance(raised.value, WorkerFailed), raised.value
    server.mangle, server.redirect_to = None, "http://127.0.0.1:1"
    with pytest.raises(RemoteUnreachable):
        await git.push(remote, folder, update, [], within=SOON)
    server.redirect_to, server.hang = "", True
    with pytest.raises(GitTimeout):
        await git.push(remote, folder, update, [], within=timedelta(seconds=1))

    assert served.show("rev-parse", MAIN) == parent
