"""What is built on, where it goes, and whose commits a push may leave out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from controllers.image_automation.checkout import Branches, Checkouts, NoPushBranch, branches_of, is_known
from controllers.image_automation.push import InvalidRefspec, Pushing, Refspec
from shared.git.client import Draft, Git
from shared.git.errors import InvalidRemote, PushRaced, PushRejected
from shared.git.pool import WorkerPool
from shared.git.reference import Target
from shared.git.remote import Remote
from shared.model.image_update import CommitSpec, GitSpec, PushSpec
from shared.model.source import GitReference
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer, http_git_server

SOON = timedelta(seconds=20)
COMMIT = CommitSpec("Bot", "bot@x", None, "text", {})
NONE, MAIN = GitReference(), GitReference(branch="main")


@pytest.mark.parametrize(
    ("checkout", "default", "push", "expected"),
    [
        pytest.param(None, MAIN, "", Branches(MAIN, "main", switches=False), id="as the repository"),
        pytest.param(MAIN, NONE, "", Branches(MAIN, "main", switches=False), id="its own"),
        pytest.param(MAIN, NONE, "main", Branches(MAIN, "main", switches=False), id="said twice"),
        pytest.param(MAIN, NONE, "auto", Branches(MAIN, "auto", switches=True), id="another"),
        pytest.param(None, NONE, "master", Branches(NONE, "master", switches=False), id="the default"),
        pytest.param(None, NONE, "main", Branches(NONE, "main", switches=True), id="not the default"),
        pytest.param(
            GitReference(name="refs/heads/main"),
            NONE,
            "main",
            Branches(GitReference(name="refs/heads/main"), "main", switches=True),
            id="judged by the field alone",
        ),
        pytest.param(
            GitReference(tag="v1"),
            MAIN,
            "main",
            Branches(GitReference(tag="v1"), "main", switches=True),
            id="a tag",
        ),
    ],
)
def test_branches(
    checkout: GitReference | None, default: GitReference, push: str, expected: Branches
) -> None:
    spec = GitSpec(checkout, COMMIT, PushSpec(push) if push else None)

    assert branches_of(spec, default) == expected


@pytest.mark.parametrize("checkout", [None, GitReference(tag="v1"), GitReference(commit="a" * 40)], ids=str)
def test_no_branch_to_push_to(checkout: GitReference | None) -> None:
    with pytest.raises(NoPushBranch):
        branches_of(GitSpec(checkout, COMMIT, PushSpec(refspec="refs/heads/a:refs/heads/b")), NONE)


@pytest.mark.parametrize("push", ["-x", "a..b", "a b", "a.lock", "x" * 2000, "/a", "a\nb"])
def test_branches_that_no_git_would_have(push: str) -> None:
    with pytest.raises(InvalidRemote):
        branches_of(GitSpec(MAIN, COMMIT, PushSpec(push)), NONE)


@pytest.mark.parametrize(
    ("reference", "observed", "known"),
    [
        (MAIN, "main@sha1:" + "a" * 40, True),
        (MAIN, "main@sha1:" + "b" * 40, False),
        (MAIN, "", False),
        (GitReference(semver="*"), "main@sha1:" + "a" * 40, False),
        (GitReference(commit="a" * 40), "main@sha1:" + "a" * 40, False),
    ],
)
def test_what_was_seen_before(reference: GitReference, observed: str, known: bool) -> None:
    target = Target("main", "refs/heads/main", "a" * 40, "a" * 40)

    assert is_known(Branches(reference, "main", switches=False), target, observed) is known


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("refs/heads/auto:refs/for/main", {"refs/for/main": "2"}),
        ("+refs/heads/main:refs/heads/copy", {"refs/heads/copy": "1"}),
        ("refs/heads/*:refs/x/*/y", {"refs/x/main/y": "1", "refs/x/auto/y": "2"}),
        ("refs/tags/*:refs/tags/*", {}),
    ],
)
def test_refspecs(text: str, targets: dict[str, str]) -> None:
    spec = Refspec.parse(text)

    assert spec.targets({"refs/heads/main": "1", "refs/heads/auto": "2"}) == targets
    assert spec.force is text.startswith("+")


@pytest.mark.parametrize(
    "text",
    [
        "refs/heads/a",
        ":refs/heads/a",
        "refs/heads/a:",
        "a:b:c",
        "a/*:b",
        "a:b/*",
        "*/*:*/*",
        "a:--x",
        "a:b..c",
        "+",
    ],
)
def test_what_is_no_refspec(text: str) -> None:
    with pytest.raises(InvalidRemote):
        Refspec.parse(text)


def test_a_refspec_of_what_we_do_not_have() -> None:
    with pytest.raises(InvalidRefspec, match="no 'HEAD' to push"):
        Refspec.parse("HEAD:refs/heads/x").targets({"refs/heads/main": "1"})


@pytest.fixture
async def git() -> AsyncIterator[Git]:
    pool = WorkerPool()
    async with pool.serve():
        yield Git(pool)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[HttpGitServer]:
    async with http_git_server(tmp_path / "served") as running:
        yield running


@pytest.fixture
def repo(server: HttpGitServer) -> GitRepo:
    repo = server.repo()
    repo.accept_pushes()
    repo.commit({"a": "1"})
    repo.commit({"a": "2"})
    return repo


AUTO = Branches(MAIN, "auto", switches=True)


class Person:
    """Checks out, commits and pushes as an automation does."""

    def __init__(self, git: Git, server: HttpGitServer, folder: Path, *, all_branches: bool = True) -> None:
        self.git, self.remote, self.folder = git, Remote(server.url_of()), folder
        self.checkouts = Checkouts(git, all_branches=all_branches)

    async def prepare(self, branches: Branches) -> None:
        target = await self.checkouts.find(self.remote, branches, self.folder, within=SOON)
        into = self.folder / "git"
        self.checkout = await self.checkouts.fetch(self.remote, branches, target, into, within=SOON)
        base = self.checkout.base
        tree = GitRepo(into).show("rev-parse", f"{base}^{{tree}}")
        draft = Draft(base, tree, "Bot", "bot@x", "ours", 1_700_000_000)
        self.commit = await self.git.commit(into, draft, within=SOON)

    def pushing(self, *, force: bool = True) -> Pushing:
        return Pushing(self.git, self.remote, self.folder / "git", (), force, SOON)


async def test_an_existing_push_branch_is_built_on(
    git: Git, server: HttpGitServer, repo: GitRepo, tmp_path: Path
) -> None:
    main = repo.head()
    theirs = repo.commit({"b": "1"}, branch="auto")
    person = Person(git, server, tmp_path / "one")

    await person.prepare(AUTO)
    await person.pushing(force=False).branch(AUTO, person.checkout, person.commit)

    assert (person.checkout.base, person.checkout.tip) == (theirs, theirs)
    assert person.checkout.target.revision == f"main@sha1:{main}"
    assert repo.show("rev-parse", "auto~1") == theirs


async def test_without_the_gate_it_is_replaced(
    git: Git, server: HttpGitServer, repo: GitRepo, tmp_path: Path
) -> None:
    main = repo.head()
    theirs = repo.commit({"b": "1"}, branch="auto")
    person = Person(git, server, tmp_path / "one", all_branches=False)

    await person.prepare(AUTO)
    with pytest.raises(PushRejected, match="non-fast-forward update: 'refs/heads/auto'"):
        await person.pushing(force=False).branch(AUTO, person.checkout, person.commit)
    assert repo.show("rev-parse", "auto") == theirs
    await person.pushing().branch(AUTO, person.checkout, person.commit)

    assert repo.show("rev-parse", "auto~1") == main


async def test_not_even_force_replaces_what_was_not_seen(
    git: Git, server: HttpGitServer, repo: GitRepo, tmp_path: Path
) -> None:
    repo.commit({"b": "1"}, branch="auto")
    person = Person(git, server, tmp_path / "one", all_branches=False)
    await person.prepare(AUTO)
    theirs = repo.commit({"b": "2"}, branch="auto")

    with pytest.raises(PushRaced):
        await person.pushing().branch(AUTO, person.checkout, person.commit)

    assert repo.show("rev-parse", "auto") == theirs


async def test_a_checkout_of_something_older_cannot_be_pushed_to_the_branch(
    git: Git, server: HttpGitServer, repo: GitRepo, tmp_path: Path
) -> None:
    repo.tag("v1", annotated=True)
    head = repo.commit({"c": "1"})
    branches = Branches(GitReference(branch="main", tag="v1"), "main", switches=False)
    person = Person(git, server, tmp_path / "one")
    await person.prepare(branches)

    with pytest.raises(PushRejected, match="non-fast-forward"):
        await person.pushing().branch(branches, person.checkout, person.commit)

    assert repo.show("rev-parse", "main") == head


async def test_a_refspec_leaves_no_commit_out_unless_it_says_so(
    git: Git, server: HttpGitServer, repo: GitRepo, tmp_path: Path
) -> None:
    first = repo.git("rev-parse", "HEAD~1")
    repo.push(f"{first}:refs/heads/behind")
    branches = Branches(MAIN, "main", switches=False)
    person = Person(git, server, tmp_path / "one")
    await person.prepare(branches)
    pushing = person.pushing()
    await pushing.branch(branches, person.checkout, person.commit)

    async def push(text: str) -> None:
        await pushing.refspec(Refspec.parse(text), branches, person.checkout, person.commit)

    await push("refs/heads/main:refs/heads/new")
    await push("refs/heads/main:refs/heads/behind")
    assert repo.show("rev-parse", "new", "behind").split() == [person.commit] * 2
    with pytest.raises(PushRejected, match="already up-to-date"):
        await push("refs/heads/main:refs/heads/main")
    aside = repo.commit({"z": "1"}, branch="aside")
    with pytest.raises(PushRejected, match="non-fast-forward update: 'refs/heads/aside'"):
        await push("refs/heads/main:refs/heads/aside")
    assert repo.show("rev-parse", "aside") == aside
    await push("+refs/heads/main:refs/heads/aside")
    assert repo.show("rev-parse", "aside") == person.commit
