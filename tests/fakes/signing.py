"""Signing keys for commits and tags: genuine gpg and ssh-keygen, for git to sign with."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.git_repo import GitRepo


@dataclass(frozen=True)
class Signer:
    """`public` goes into a secret under a name with `suffix`; `identity` is how the signer is shown.

    `private` is what signs, armored, and locked with the passphrase where one was given.
    """

    public: bytes
    identity: str
    suffix: str
    settings: tuple[str, ...]
    environment: dict[str, str]
    private: bytes = b""

    def use_in(self, repo: GitRepo) -> None:
        repo.settings = self.settings
        repo.environment = dict(self.environment)


@contextmanager
def gpg_signer(passphrase: str = "", kind: str = "ed25519") -> Iterator[Signer]:
    # A path of its own, since gpg-agent's socket must have a short name.
    home = tempfile.mkdtemp(prefix="gpg-")
    environment = {"GNUPGHOME": home}
    try:
        _run(
            "gpg",
            "--batch",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            passphrase,
            "--quick-gen-key",
            "Ada <ada@example.org>",
            kind,
            **environment,
        )
        listing = _run("gpg", "--list-keys", "--with-colons", **environment).decode()
        fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
        public = _run("gpg", "--armor", "--export", fingerprint, **environment)
        unlock = ("--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase)
        private = _run("gpg", *unlock, "--armor", "--export-secret-keys", fingerprint, **environment)
        settings = (f"user.signingkey={fingerprint}",)
        yield Signer(public, fingerprint[-16:], ".asc", settings, environment, private)
    finally:
        subprocess.run(
            ["gpgconf", "--kill", "gpg-agent"],
            env={"PATH": "/usr/bin:/bin", **environment},
            check=False,
            timeout=10,
        )
        shutil.rmtree(home, ignore_errors=True)


def ssh_signer(folder: Path, kind: str = "ed25519", *options: str, passphrase: str = "") -> Signer:
    key = folder / f"signing-{kind}"
    _run("ssh-keygen", "-q", "-t", kind, *options, "-N", passphrase, "-C", "ada", "-f", str(key))
    public = key.with_suffix(".pub").read_bytes()
    fingerprint = _run("ssh-keygen", "-lf", str(key)).decode().split()[1]
    return Signer(
        public, fingerprint, ".sshpub", ("gpg.format=ssh", f"user.signingkey={key}"), {}, key.read_bytes()
    )


def _run(*words: str, **environment: str) -> bytes:
    return subprocess.run(
        words, env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, check=True, timeout=30
    ).stdout
