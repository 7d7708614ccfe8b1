"""Is one commit in the history of another? Runs in the worker."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dulwich.objects import Commit, ObjectID
from dulwich.repo import Repo

from shared.git.errors import RepositoryRefused
from shared.git.fetching import fetch_history
from shared.git.garbage import refusing_garbage
from shared.git.remote import Remote

_MAX_COMMITS = 2_000_000


def leads_to(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `remote`, `seconds`, `ancestor` and `commit` (hashes), `into` (a new directory) -> `leads`."""
    fetch_history(
        Remote.parse(argument["remote"]), argument["commit"], Path(argument["into"]), argument["seconds"]
    )
    wanted = ObjectID(argument["ancestor"].encode("ascii"))
    with contextlib.closing(Repo(argument["into"])) as repo:
        # A history without the commit cannot lead to it; this spares most of the walks.
        if wanted not in repo.object_store:
            return {"leads": False}
        with refusing_garbage(f"the history of '{argument['commit']}'"):
            return {"leads": _reaches(repo, ObjectID(argument["commit"].encode("ascii")), wanted)}


def _reaches(repo: Repo, start: ObjectID, wanted: ObjectID) -> bool:
    pending, seen = [start], {start}
    while pending:
        sha = pending.pop()
        if sha == wanted:
            return True
        if len(seen) > _MAX_COMMITS:
            raise RepositoryRefused(f"a history of more than {_MAX_COMMITS} commits")
        commit = repo.object_store[sha]
        if isinstance(commit, Commit):
            fresh = [parent for parent in commit.parents if parent not in seen]
            seen.update(fresh)
            pending += fresh
    return False
