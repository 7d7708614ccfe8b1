"""Signatures made by the genuine programs, checked by ours."""

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.git import sshsig
from shared.git.errors import UnsignedObject, VerificationFailed
from shared.git.verify import split_commit, split_tag, verify_object
from tests.fakes.git_repo import GitRepo
from tests.fakes.signing import Signer, gpg_signer, ssh_signer

pytestmark = pytest.mark.skipif(
    not (shutil.which("gpg") and shutil.which("ssh-keygen")), reason="needs gpg and ssh-keygen"
)


@pytest.fixture(scope="module")
def gpg() -> Iterator[Signer]:
    with gpg_signer() as signer:
        yield signer


@pytest.fixture(params=["gpg", "ed25519", "ecdsa", "rsa"])
def signer(request: pytest.FixtureRequest, gpg: Signer, tmp_path: Path) -> Signer:
    return gpg if request.param == "gpg" else ssh_signer(tmp_path, request.param)


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo.create(tmp_path / "repo.git")


def check(repo: GitRepo, sha: str, **keys: bytes) -> str:
    encoded = {name.replace("__", "."): base64.b64encode(key).decode() for name, key in keys.items()}
    return str(verify_object({"repository": str(repo.path), "object": sha, "keys": encoded})["key"])


def keys_of(signer: Signer) -> dict[str, bytes]:
    return {f"ada{signer.suffix}".replace(".", "__"): signer.public}


def test_a_signed_commit_names_its_signer(repo: GitRepo, signer: Signer) -> None:
    signer.use_in(repo)
    commit = repo.commit({"a": "1"}, sign=True)

    assert check(repo, commit, **keys_of(signer)) == signer.identity


def test_a_signed_tag_names_its_signer(repo: GitRepo, signer: Signer) -> None:
    signer.use_in(repo)
    repo.commit({"a": "1"})
    tag = repo.tag("v1", sign=True)

    assert check(repo, tag, **keys_of(signer)) == signer.identity


def test_another_key_of_the_same_kind_is_not_enough(repo: GitRepo, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    ours, theirs = ssh_signer(tmp_path), ssh_signer(tmp_path / "other")
    ours.use_in(repo)
    commit = repo.commit({"a": "1"}, sign=True)

    with pytest.raises(VerificationFailed, match="unknown key SHA256:"):
        check(repo, commit, x__sshpub=theirs.public)
    assert check(repo, commit, x__sshpub=theirs.public, y__sshpub=ours.public) == ours.identity


def test_a_key_of_the_other_kind_is_not_enough(repo: GitRepo, gpg: Signer, tmp_path: Path) -> None:
    ssh = ssh_signer(tmp_path)
    gpg.use_in(repo)
    by_gpg = repo.commit({"a": "1"}, sign=True)
    ssh.use_in(repo)
    by_ssh = repo.commit({"a": "2"}, sign=True)

    with pytest.raises(VerificationFailed, match="no PGP key"):
        check(repo, by_gpg, **keys_of(ssh))
    with pytest.raises(VerificationFailed, match=r"no \.sshpub key"):
        check(repo, by_ssh, **keys_of(gpg))


def test_garbage_instead_of_a_key(repo: GitRepo, gpg: Signer, tmp_path: Path) -> None:
    gpg.use_in(repo)
    commit = repo.commit({"a": "1"}, sign=True)
    with pytest.raises(VerificationFailed, match="unable to verify") as caught:
        check(repo, commit, ring__asc=b"garbage")
    assert "\n" not in str(caught.value)

    ssh = ssh_signer(tmp_path)
    ssh.use_in(repo)
    commit = repo.commit({"a": "2"}, sign=True)
    with pytest.raises(VerificationFailed, match="line 2"):
        check(repo, commit, x__sshpub=ssh.public + b"garbage\n")


def test_unsigned_objects(repo: GitRepo, gpg: Signer) -> None:
    commit = repo.commit({"a": "1"})
    tag = repo.tag("v1", annotated=True)
    tree = repo.git("rev-parse", "HEAD^{tree}")

    for sha in (commit, tag, tree):
        with pytest.raises(UnsignedObject, match=sha):
            check(repo, sha, **keys_of(gpg))


@pytest.mark.parametrize("kind", ["gpg", "ssh"])
def test_a_signature_does_not_fit_another_commit(
    repo: GitRepo, gpg: Signer, tmp_path: Path, kind: str
) -> None:
    signer = gpg if kind == "gpg" else ssh_signer(tmp_path)
    signer.use_in(repo)
    repo.commit({"a": "1"}, "honest", sign=True)
    forged = repo.git("cat-file", "commit", "HEAD").replace("honest", "forged") + "\n"
    file = tmp_path / "forged"
    file.write_text(forged)
    sha = repo.git("hash-object", "-t", "commit", "-w", str(file))
    repo.push(f"{sha}:refs/heads/forged")

    with pytest.raises(VerificationFailed):
        check(repo, sha, **keys_of(signer))


def test_an_x509_signature_is_refused(repo: GitRepo, gpg: Signer, tmp_path: Path) -> None:
    repo.commit({"a": "1"})
    raw = repo.git("cat-file", "commit", "HEAD")
    head, _, message = raw.partition("\n\n")
    file = tmp_path / "x509"
    file.write_text(
        f"{head}\ngpgsig -----BEGIN SIGNED MESSAGE-----\n x\n -----END SIGNED MESSAGE-----\n\n{message}\n"
    )
    sha = repo.git("hash-object", "-t", "commit", "-w", str(file))
    repo.push(f"{sha}:refs/heads/x509")

    with pytest.raises(VerificationFailed, match="x509"):
        check(repo, sha, **keys_of(gpg))


@given(st.binary(max_size=300))
def test_any_bytes_can_be_split(raw: bytes) -> None:
    payload, signature = split_commit(raw)
    assert signature or payload == raw or b"gpgsig" in raw
    assert b"".join(split_tag(raw)) == raw


@given(st.binary(max_size=300))
def test_a_damaged_ssh_signature_fails_in_one_way(raw: bytes) -> None:
    armored = (
        sshsig.BEGIN + b"\n" + base64.b64encode(b"SSHSIG\0\0\0\1" + raw) + b"\n-----END SSH SIGNATURE-----"
    )
    with pytest.raises(sshsig.InvalidSshSignature):
        sshsig.verify(armored, b"payload", [])
