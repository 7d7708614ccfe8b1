"""Write a commit into a fetched repository, signed where a key is given. Runs in the worker."""

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from dulwich.objects import Commit, ObjectID
from dulwich.repo import Repo

from shared.git.sign import signer

# What would end the name or the line of an author, and start a header of the writer's choice.
_CRUD = re.compile(r"[<>\x00-\x1f\x7f]")


def commit(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `repository`, `tree`, `parent`, `author_name`, `author_email`, `message`, `time` (seconds since
    the epoch) and `key` (see sign.py, or None) -> `commit`. Raises SigningKeyUnusable.
    """
    made = Commit()
    made.tree = ObjectID(argument["tree"].encode("ascii"))
    made.parents = [ObjectID(argument["parent"].encode("ascii"))]
    made.author = made.committer = identity(argument["author_name"], argument["author_email"])
    made.author_time = made.commit_time = argument["time"]
    made.author_timezone = made.commit_timezone = 0
    # git takes a NUL for the end of the message.
    made.message = argument["message"].replace("\0", "").encode("utf-8", "replace")
    if argument["key"] is not None:
        made.gpgsig = signer(argument["key"])(made.as_raw_string()).rstrip(b"\n")
    with contextlib.closing(Repo(argument["repository"])) as repo:
        repo.object_store.add_object(made)
    return {"commit": made.id.decode("ascii")}


def identity(name: str, email: str) -> bytes:
    """`name <email>` without anything that could be taken for more than that."""
    return f"{_CRUD.sub('', name).strip()} <{_CRUD.sub('', email).strip()}>".encode("utf-8", "replace")
