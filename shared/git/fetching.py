"""List refs and fetch single commits into bare repositories on disk. Runs in the worker.

Jobs take and return JSON; `client.py` is their typed face. Before: the caller chose a commit from the
listed refs. After: tree.py reads what was fetched, verify.py checks signatures.
"""

import contextlib
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dulwich.client import GitClient
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.objects import Commit, ObjectID, Tag
from dulwich.refs import Ref
from dulwich.repo import Repo

from shared.git.errors import (
    GitError,
    ReferenceNotFound,
    RemoteUnreachable,
    RepositoryNotFound,
    RepositoryRefused,
)
from shared.git.garbage import refusing_garbage
from shared.git.remote import Remote, shown

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MAX_REFS = 500_000
_MAX_TAG_CHAIN = 8
_MAX_MESSAGE = 2_000
_NOT_FOUND_WORDS = ("not found", "does not appear to be a git repository", "does not exist", "no such")


def list_refs(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `remote`, `prefixes` (of full names), `seconds` -> `refs` by full name, peeled as `<name>^{}`."""
    remote = Remote.parse(argument["remote"])
    prefixes = [prefix.encode() for prefix in argument["prefixes"]]
    with connected(remote, argument["seconds"]) as (client, path):
        found = client.get_refs(path, ref_prefix=prefixes).refs
    if len(found) > _MAX_REFS:
        raise RepositoryRefused(f"{shown(remote.url)} has more than {_MAX_REFS} refs")
    # Names that are not UTF-8 cannot be asked for, since a spec is JSON.
    named = ((_utf8(name), sha) for name, sha in found.items() if sha is not None)
    refs = {name: sha.decode("latin-1") for name, sha in named if name is not None}
    if not all(_HASH.fullmatch(sha) for sha in refs.values()):
        raise RepositoryRefused(f"{shown(remote.url)} listed something that is no hash")
    return {"refs": refs}


def fetch(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `remote`, `sha` (of a commit or tag), `into` (a new directory), `seconds` -> see _described."""
    remote = Remote.parse(argument["remote"])
    fetch_commit(remote, argument["sha"], Path(argument["into"]), argument["seconds"])
    with contextlib.closing(Repo(argument["into"])) as repo:
        commit, tag = peel(repo, argument["sha"])
        with refusing_garbage(f"commit '{argument['sha']}'"):
            return _described(commit, tag)


def fetch_commit(remote: Remote, sha: str, into: Path, seconds: float) -> None:
    """Fetch one commit or tag, and no more of the history than the server obliges us to."""
    wanted = ObjectID(sha.encode("ascii"))
    for wants, depth in (([wanted], 1), ([wanted], None), (None, None)):
        try:
            _fetch_into(remote, into, seconds, wants, depth)
            break
        except RemoteUnreachable as error:
            if wants is None or not _is_refusal(error):
                raise
            shutil.rmtree(into, ignore_errors=True)
    with contextlib.closing(Repo(str(into))) as repo:
        if wanted not in repo.object_store:
            raise ReferenceNotFound(f"couldn't find commit '{sha}' in {shown(remote.url)}")


def fetch_history(remote: Remote, sha: str, into: Path, seconds: float) -> None:
    """Fetch a commit that some ref leads to, with all that came before it."""
    _fetch_into(remote, into, seconds, [ObjectID(sha.encode("ascii"))], None)


def _is_refusal(error: RemoteUnreachable) -> bool:
    """Old servers hang up, or say so, on hashes that no ref points at; some know no shallow clones."""
    said = str(error)
    return isinstance(error.__cause__, HangupException) or "not our ref" in said or "shallow" in said


def _fetch_into(
    remote: Remote, into: Path, seconds: float, wants: list[ObjectID] | None, depth: int | None
) -> None:
    """Fetch what is wanted, or every branch and tag, into a new bare repository."""

    def determine_wants(
        refs: Mapping[Ref, ObjectID],
        depth: int | None = None,  # noqa: ARG001 - the names are dulwich's
    ) -> list[ObjectID]:
        return wants or [sha for name, sha in refs.items() if not name.endswith(b"^{}")]

    prefixes = [b"HEAD"] if wants else [b"refs/heads/", b"refs/tags/"]
    into.mkdir(parents=True)
    with contextlib.closing(Repo.init_bare(str(into))) as repo, connected(remote, seconds) as (client, path):
        client.fetch(path, repo, determine_wants=determine_wants, depth=depth, ref_prefix=prefixes)


@contextlib.contextmanager
def connected(remote: Remote, seconds: float) -> Iterator[tuple[GitClient, bytes]]:
    """A client and the path to give it; foreign errors leave as ours."""
    client: GitClient
    if remote.url.startswith("ssh://"):
        from shared.git.ssh_transport import ssh_client  # asyncssh costs 43 MiB: only who needs it pays

        client, path = ssh_client(remote, timeout=seconds)
    else:
        from shared.git.http_transport import GitHttpClient

        client, path = GitHttpClient(remote, timeout=seconds), b""
    try:
        with refusing_garbage(f"what {shown(remote.url)} sent"):
            yield client, path
    except NotGitRepository as error:
        raise RepositoryNotFound(f"repository not found: {shown(remote.url)}") from error
    except HangupException as error:
        raise _hung_up(remote, error) from error
    except GitProtocolError as error:
        raise _broken_off(remote, str(error)) from error
    finally:
        client.close()


def _hung_up(remote: Remote, error: HangupException) -> GitError:
    lines = [line.decode("utf-8", "replace").strip() for line in error.stderr_lines or []]
    said = "; ".join(line for line in lines if line)[:300]
    return _broken_off(remote, said or "the server closed the connection")


def _broken_off(remote: Remote, said: str) -> GitError:
    if any(words in said.lower() for words in _NOT_FOUND_WORDS) and "not our ref" not in said:
        return RepositoryNotFound(f"repository not found: {shown(remote.url)}: {said}")
    return RemoteUnreachable(f"{shown(remote.url)}: {said}")


def _utf8(name: bytes) -> str | None:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return None


def peel(repo: Repo, sha: str) -> tuple[Commit, Tag | None]:
    """The commit behind a hash, and the annotated tag that led to it. Raises RepositoryRefused."""
    with refusing_garbage(f"what '{sha}' leads to"):
        found = repo[ObjectID(sha.encode("ascii"))]
        tag = found if isinstance(found, Tag) else None
        for _ in range(_MAX_TAG_CHAIN):
            if not isinstance(found, Tag):
                break
            found = repo[found.object[1]]
    if not isinstance(found, Commit):
        raise RepositoryRefused(f"'{sha}' leads to no commit")
    return found, tag


def _described(commit: Commit, tag: Tag | None) -> dict[str, Any]:
    """`commit`, `message`, `time` (seconds since the epoch, of the committer), `tag` (hash, or nothing)."""
    return {
        "commit": commit.id.decode("ascii"),
        "message": commit.message[:_MAX_MESSAGE].decode("utf-8", "replace"),
        "time": commit.commit_time,
        "tag": tag.id.decode("ascii") if tag else "",
    }
