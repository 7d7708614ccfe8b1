"""Artifact files on disk: publish by rename, verify, collect what is old (spec source 5.1-5.5).

Everything here blocks on the disk: call it in a thread. One process writes (the leader); one object's
directory is written by one reconcile at a time.
"""

import contextlib
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.artifacts.errors import DigestMismatch, StorageFailed
from shared.logic.digest import Digest, InvalidDigest, new_hasher
from shared.model.artifact import Artifact
from shared.model.meta import ObjectKey, render_time

_CHUNK = 1024 * 1024
_LOCK_SUFFIX = ".lock"
_MAX_SCANNED = 1_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """Whose artifacts: a kind and an object's key; also where they lie below the storage root."""

    kind: str
    key: ObjectKey

    @property
    def path(self) -> str:
        return f"{self.kind.lower()}/{self.key.namespace}/{self.key.name}"


@dataclass(frozen=True, slots=True)
class Retention:
    """What garbage collection spares: files younger than `ttl`, and the newest `records`."""

    ttl: timedelta = timedelta(minutes=1)
    records: int = 2


class Storage:
    """The artifact store below `root`, whose files consumers find at `advertised`."""

    def __init__(self, root: Path, advertised: str, *, retention: Retention | None = None) -> None:
        if not root.is_dir():
            raise StorageFailed(f"storage path '{root}' is not a directory")
        self.root = root.resolve()
        self._prefix = (
            advertised if advertised.startswith(("http://", "https://")) else f"http://{advertised}"
        )
        self._retention = retention or Retention()

    def url_of(self, path: str) -> str:
        """The address of a stored file; nothing is escaped, as consumers expect."""
        return f"{self._prefix.rstrip('/')}/{path}"

    @contextlib.contextmanager
    def draft(self, shelf: Shelf, name: str) -> Iterator[Path]:
        """A path for a new file beside its final place; whatever is left there is removed at the end."""
        directory = self._inside(shelf.path)
        draft = directory / f"{name}{secrets.token_hex(5)}"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageFailed(f"storage directory '{shelf.path}': {error.strerror or error}") from error
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    def publish(self, shelf: Shelf, name: str, draft: Path, *, revision: str, digest: Digest) -> Artifact:
        """Give a finished draft its final name; from then on it is served. Raises StorageFailed."""
        path = f"{shelf.path}/{name}"
        final = self._inside(path)
        try:
            with _lock(final):
                draft.chmod(0o600)
                size = draft.stat().st_size
                draft.replace(final)
        except OSError as error:
            raise StorageFailed(f"storing '{path}' failed: {error.strerror or error}") from error
        return Artifact(
            url=self.url_of(path),
            path=path,
            revision=revision,
            digest=str(digest),
            last_update=render_time(datetime.now(UTC)),
            size=size,
        )

    def holds(self, shelf: Shelf, artifact: Artifact) -> bool:
        """Whether the artifact is there and lies on that shelf, not on somebody else's.

        A status says where its artifact is, and whoever may write a status may write anything.
        """
        folder, _, name = artifact.path.rpartition("/")
        return folder == shelf.path and name not in {"", ".", ".."} and self.exists(artifact)

    def file_of(self, artifact: Artifact) -> Path:
        """Where the artifact's file is or should be. Raises StorageFailed for a path outside the root."""
        return self._inside(artifact.path)

    def exists(self, artifact: Artifact) -> bool:
        """Whether the artifact's file is there and is a regular file."""
        try:
            return stat.S_ISREG(self.file_of(artifact).lstat().st_mode)
        except (OSError, StorageFailed):
            return False

    def verify(self, artifact: Artifact) -> None:
        """Hash the stored file again, by the algorithm that its digest names. Raises DigestMismatch."""
        try:
            expected = Digest.parse(artifact.digest)
            hasher = new_hasher(expected.algorithm)
        except InvalidDigest as error:
            raise DigestMismatch(f"artifact '{artifact.path}' cannot be verified: {error}") from error
        try:
            with self.file_of(artifact).open("rb") as file:
                while chunk := file.read(_CHUNK):
                    hasher.update(chunk)
        except OSError as error:
            raise StorageFailed(f"reading '{artifact.path}' failed: {error.strerror or error}") from error
        if hasher.hexdigest() != expected.hex:
            raise DigestMismatch(
                f"computed digest doesn't match '{expected}' of artifact '{artifact.path}': "
                f"{expected.algorithm}:{hasher.hexdigest()}"
            )

    def remove(self, artifact: Artifact) -> None:
        """Delete the artifact's file; it need not exist. Raises StorageFailed."""
        try:
            self.file_of(artifact).unlink(missing_ok=True)
        except OSError as error:
            raise StorageFailed(f"removing '{artifact.path}' failed: {error.strerror or error}") from error

    def remove_all(self, shelf: Shelf) -> bool:
        """Delete everything of one object; says whether there was anything. Raises StorageFailed."""
        directory = self._inside(shelf.path)
        if not directory.is_dir():
            return False
        try:
            for file in directory.iterdir():
                file.unlink(missing_ok=True)
            directory.rmdir()
        except OSError as error:
            raise StorageFailed(f"removing '{shelf.path}' failed: {error.strerror or error}") from error
        return True

    def point_at(self, artifact: Artifact, link_name: str) -> str:
        """Let a symlink beside the artifact lead to it, atomically; returns its URL. Raises StorageFailed."""
        target = self.file_of(artifact)
        link = target.parent / link_name
        fresh = target.parent / f"{link_name}.tmp"
        try:
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(target)
            fresh.replace(link)
        except OSError as error:
            raise StorageFailed(f"linking '{artifact.path}' failed: {error.strerror or error}") from error
        return self.url_of(f"{artifact.path.rpartition('/')[0]}/{link_name}")

    def collect(self, shelf: Shelf, current: Artifact | None, *, budget: timedelta) -> int:
        """Delete what retention no longer spares; returns how many files. Stops when `budget` is spent."""
        deadline = time.monotonic() + budget.total_seconds()
        files = self._collectable(shelf, current)
        doomed = _doomed(files, spared=1 if current else 0, retention=self._retention, now=time.time())
        deleted = 0
        for file in doomed:
            if time.monotonic() > deadline:
                break
            with contextlib.suppress(OSError):
                file.unlink()
                deleted += 1
                file.with_name(file.name + _LOCK_SUFFIX).unlink(missing_ok=True)
        return deleted

    def _collectable(self, shelf: Shelf, current: Artifact | None) -> list[tuple[float, Path]]:
        """Age-sorted (mtime, file) of what lies on a shelf, without locks, links and the current one."""
        spared = self.file_of(current) if current else None
        files: list[tuple[float, Path]] = []
        with contextlib.suppress(OSError), os.scandir(self._inside(shelf.path)) as entries:
            for scanned, entry in enumerate(entries):
                if scanned >= _MAX_SCANNED:
                    break
                path = Path(entry.path)
                if entry.is_file(follow_symlinks=False) and path != spared and path.suffix != _LOCK_SUFFIX:
                    files.append((entry.stat(follow_symlinks=False).st_mtime, path))
        return sorted(files)

    def _inside(self, path: str) -> Path:
        """Resolve links and `..`; refuse what ends up outside the root."""
        resolved = (self.root / path.lstrip("/")).resolve()
        if not resolved.is_relative_to(self.root):
            raise StorageFailed(f"path '{path}' leaves the storage")
        return resolved


def advertised_address(listen: str, hostname: str) -> str:
    """What to advertise when nothing is configured: `:9090` -> `localhost:9090` (spec source 5.1)."""
    host, _, port = listen.rpartition(":")
    shown = {"": "localhost", "0.0.0.0": hostname or "localhost"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"{shown}:{port}"


def _doomed(files: list[tuple[float, Path]], *, spared: int, retention: Retention, now: float) -> list[Path]:
    """Oldest first: all beyond the ttl; if as many as `records` remain, also those above it."""
    oldest_kept = now - retention.ttl.total_seconds()
    expired = [file for mtime, file in files if mtime < oldest_kept]
    fresh = [file for mtime, file in files if mtime >= oldest_kept]
    surplus = len(fresh) + spared - retention.records
    return expired + fresh[: max(0, surplus)]


@contextlib.contextmanager
def _lock(file: Path) -> Iterator[None]:
    with file.with_name(file.name + _LOCK_SUFFIX).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
