"""Commits of ours, read by genuine git; signatures of ours, checked by genuine gpg and ssh-keygen."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.git.client import Draft, Git, SigningKey
from shared.git.commit import identity
from shared.git.errors import SigningKeyUnusable
from tests.fakes.git_repo import GitRepo
from tests.fakes.signing import Signer, gpg_signer, ssh_signer

SOON = timedelta(seconds=20)
NOON = 1_700_000_000

signs = pytest.mark.skipif(
    not (shutil.which("gpg") and shutil.which("ssh-keygen")), reason="needs gpg and ssh-keygen"
)


@pytest.fixture(scope="module")
def gpg() -> Iterator[Signer]:
    with gpg_signer() as signer:
        yield signer


@pytest.fixture(scope="module")
def locked_gpg() -> Iterator[Signer]:
    with gpg_signer("open sesame", "rsa2048") as signer:
        yield signer


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    repo = GitRepo.create(tmp_path / "repo.git")
    repo.commit({"a": "1"})
    return repo


def draft(repo: GitRepo, *, name: str = "Bot", email: str = "bot@x", key: SigningKey | None = None) -> Draft:
    head = repo.head()
    return Draft(head, repo.show("rev-parse", f"{head}^{{tree}}"), name, email, "one\n\ntwo\n", NOON, key)


async def test_a_commit_is_what_git_would_have_made(git: Git, repo: GitRepo) -> None:
    sha = await git.commit(repo.path, draft(repo), within=SOON)

    shown = repo.show("show", "-s", "--format=%P|%an <%ae>|%cn <%ce>|%at %ct|%B", sha)
    assert shown == f"{repo.head()}|Bot <bot@x>|Bot <bot@x>|{NOON} {NOON}|one\n\ntwo"
    repo.show("fsck", "--strict")


@pytest.mark.parametrize(
    ("name", "email", "line"),
    [
        pytest.param("", "bot@x", b" <bot@x>", id="no name"),
        pytest.param("a\nparent 0", "b\n<x>", b"aparent 0 <bx>", id="a header in disguise"),
        pytest.param("Zoë", "z@x", "Zoë <z@x>".encode(), id="not only ASCII"),
        pytest.param("a\ud800", "z@x", b"a? <z@x>", id="half a character"),
    ],
)
def test_an_author_is_one_line(name: str, email: str, line: bytes) -> None:
    assert identity(name, email) == line


@signs
async def test_gpg_believes_a_signature(git: Git, repo: GitRepo, gpg: Signer) -> None:
    key = SigningKey("gpg", gpg.private.decode(), "", "apps/key")

    sha = await git.commit(repo.path, draft(repo, key=key), within=SOON)

    gpg.use_in(repo)
    assert repo.show("log", "-1", "--format=%GF %G?", sha).endswith(f"{gpg.identity} G")
    assert "Good signature" in repo.show("log", "-1", "--show-signature", sha)


@signs
async def test_gpg_believes_a_signature_of_a_locked_key(git: Git, repo: GitRepo, locked_gpg: Signer) -> None:
    key = SigningKey("gpg", locked_gpg.private.decode(), "open sesame", "apps/key")

    sha = await git.commit(repo.path, draft(repo, key=key), within=SOON)

    locked_gpg.use_in(repo)
    assert repo.show("log", "-1", "--format=%G?", sha) in {"G", "U"}


@signs
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_ssh_keygen_believes_a_signature(git: Git, repo: GitRepo, tmp_path: Path, kind: str) -> None:
    signer = ssh_signer(tmp_path, kind, passphrase="sesame")
    key = SigningKey("ssh", signer.private.decode(), "sesame", "apps/key")

    sha = await git.commit(repo.path, draft(repo, key=key), within=SOON)

    allowed = tmp_path / "allowed"
    allowed.write_bytes(b"bot@x " + signer.public)
    repo.settings = ("gpg.format=ssh", f"gpg.ssh.allowedSignersFile={allowed}")
    assert repo.show("log", "-1", "--format=%G? %GF", sha) == f"G {signer.identity}"


@signs
async def test_keys_that_cannot_sign_say_why(
    git: Git, gpg: Signer, locked_gpg: Signer, tmp_path: Path
) -> None:
    locked_ssh = ssh_signer(tmp_path, passphrase="sesame")
    small = ssh_signer(tmp_path, "rsa", "-b", "1024")
    one, two = gpg.private.decode(), locked_gpg.private.decode()
    for kind, text, passphrase, words in (
        ("gpg", "nonsense", "", "no entities|cannot be used"),
        ("gpg", gpg.public.decode(), "", "cannot be used"),
        ("gpg", one + two, "", "multiple entities read from secret 'apps/key'"),
        ("gpg", two, "", "without 'passphrase' field present in secret apps/key"),
        ("gpg", two, "wr0ng", "cannot be used"),
        ("ssh", "nonsense", "", "cannot be read"),
        ("ssh", locked_ssh.private.decode(), "", "without 'password' field present in secret apps/key"),
        ("ssh", locked_ssh.private.decode(), "wr0ng", "does not open"),
        ("ssh", small.private.decode(), "", "less than 2048 bits"),
        ("ssh", "x" * 2_000_000, "", "larger than 1048576 bytes"),
    ):
        with pytest.raises(SigningKeyUnusable, match=words) as raised:
            await git.require_usable_key(SigningKey(kind, text, passphrase, "apps/key"), within=SOON)
        assert "wr0ng" not in str(raised.value)
        assert "Backtrace" not in str(raised.value)
    await git.require_usable_key(SigningKey("gpg", one, "", "apps/key"), within=SOON)


def test_a_key_is_never_shown() -> None:
    assert "hunter2" not in repr(SigningKey("ssh", "hunter2", "hunter2", "apps/key"))


@signs
def test_the_check_can_fail(repo: GitRepo, gpg: Signer) -> None:
    """An unsigned commit is not taken for a signed one by what the tests above ask."""
    gpg.use_in(repo)
    assert repo.show("log", "-1", "--format=%G?", repo.head()) == "N"
    assert subprocess.run(["gpg", "--version"], capture_output=True, check=True).stdout
