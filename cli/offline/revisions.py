"""The files of a commit, in a folder of their own: the working directory is left alone."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from cli.problems import COULD_NOT_RUN, CliError

if TYPE_CHECKING:
    from dulwich.objects import Commit
    from dulwich.repo import Repo

_REVISION = re.compile(r"(.*?)((?:~\d{0,6}|\^)*)", re.DOTALL)
_STEP = re.compile(r"~\d*|\^")
_MOST_BYTES = 512 * 2**20
_MOST_FILES = 100_000


def export(root: Path, revision: str, target: Path) -> None:
    """Write the tree of the commit to `target`, symbolic links included if they stay inside.

    Raises CliError.
    """
    from dulwich.archive import tar_stream
    from dulwich.objects import Tree
    from dulwich.repo import Repo

    try:
        with Repo(str(root)) as repo:
            commit = _commit(repo, revision)
            tree = repo[commit.tree]
            assert isinstance(tree, Tree)
            stream = _Chunks(tar_stream(repo.object_store, tree, 0))
            _unpack(cast("IO[bytes]", stream), target)
    except (KeyError, ValueError, OSError, tarfile.TarError) as error:
        message = f"commit '{revision}' cannot be read from {root}: {error}"
        raise CliError(message, status=COULD_NOT_RUN) from error


def _commit(repo: Repo, revision: str) -> Commit:
    """`main`, `v1.2.3`, `1a2b3c`, and first parents: `HEAD~2`, `HEAD^`. Raises KeyError, ValueError."""
    from dulwich.objects import Commit
    from dulwich.objectspec import parse_commit

    name, steps = cast("re.Match[str]", _REVISION.fullmatch(revision)).groups()
    commit = parse_commit(repo, name.encode())
    for step in _STEP.findall(steps):
        for _ in range(int(step[1:] or 1)):
            if not commit.parents:
                raise ValueError("there are not that many commits before it")
            parent = repo[commit.parents[0]]
            assert isinstance(parent, Commit)
            commit = parent
    return commit


def _unpack(stream: IO[bytes], target: Path) -> None:
    size = 0
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for number, member in enumerate(archive):
            size += member.size
            if size > _MOST_BYTES or number >= _MOST_FILES:
                raise ValueError(f"more than {_MOST_FILES} files or {_MOST_BYTES >> 20} MiB")
            archive.extract(member, target, filter="data")


class _Chunks:
    """What tarfile reads, over the chunks that dulwich writes."""

    def __init__(self, chunks: object) -> None:
        self._chunks = iter(cast("list[bytes]", chunks))
        self._rest = b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        found, self._rest = self._rest[:size], self._rest[size:]
        return found
