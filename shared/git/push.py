"""Push new commits: every ref moves from where it was seen, or not at all. Runs in the worker.

A push names what each ref was, and the server refuses when it is something else by then. So nobody's
commit can be lost by a push that was planned without it, forced or not.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dulwich.client import GitClient
from dulwich.errors import SendPackError
from dulwich.object_store import BaseObjectStore
from dulwich.objects import S_ISGITLINK, Commit, ObjectID, ShaFile, Tree
from dulwich.pack import UnpackedObject, pack_objects_to_data
from dulwich.protocol import CAPABILITY_PUSH_OPTIONS, extract_capability_names
from dulwich.refs import Ref
from dulwich.repo import Repo

from shared.git.errors import PushRaced, PushRejected, RepositoryRefused
from shared.git.fetching import connected
from shared.git.garbage import refusing_garbage
from shared.git.remote import Remote, shown

_MAX_OBJECTS = 100_000
_MAX_SAID = 500
# How servers say that a ref was not what the push took it for.
_RACED = (
    "cannot lock ref",
    "failed to update ref",
    "fetch first",
    "incorrect old value",
    "non-fast-forward",
    "reference already exists",
    "stale info",
)


def push(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `remote`, `seconds`, `repository`, `options` ("key=value"), and `updates`, each with `ref`, `new`
    and `expected` (a hash, or nothing for a ref that must not exist) -> nothing.

    Raises PushRaced when a ref has moved, PushRejected when the server refused, or all was up to date.
    """
    remote, said = Remote.parse(argument["remote"]), _Said()
    plan = _Plan(argument["updates"])
    with contextlib.closing(Repo(argument["repository"])) as repo:
        objects = [each for update in argument["updates"] for each in _new_objects(repo, update["new"])]

        def pack(
            have: object, want: object, *, ofs_delta: bool = True, progress: object = None
        ) -> tuple[int, Iterator[UnpackedObject]]:
            del have, want, ofs_delta, progress
            return pack_objects_to_data(list({each.id: (each, None) for each in objects}.values()))

        with connected(remote, argument["seconds"]) as (client, path):
            if argument["options"]:
                _require_options(client)
            try:
                result = client.send_pack(
                    path,
                    plan.updates,
                    pack,
                    progress=said.hear,
                    push_options=[option.encode() for option in argument["options"]] or None,
                )
            except SendPackError as error:
                raise PushRejected(f"{shown(remote.url)}: {error}{said}") from error
    _require_taken(result.ref_status or {}, said)
    return {}


def _require_options(client: GitClient) -> None:
    """Let a server that takes no options be an error, as for git, where dulwich would leave them out."""
    negotiate = client._negotiate_receive_pack_capabilities  # noqa: SLF001 - nothing public tells

    def checked(capabilities: set[bytes]) -> tuple[set[bytes], bytes | None]:
        if CAPABILITY_PUSH_OPTIONS not in extract_capability_names(capabilities):
            raise PushRejected("the server does not support push options")
        return negotiate(capabilities)

    client._negotiate_receive_pack_capabilities = checked  # type: ignore[method-assign, assignment] # noqa: SLF001


class _Said:
    """What the server tells a person, such as why a branch is protected."""

    def __init__(self) -> None:
        self._raw = b""

    def hear(self, data: bytes) -> None:
        if len(self._raw) < _MAX_SAID:
            self._raw += data

    def __str__(self) -> str:
        words = " ".join(self._raw.decode("utf-8", "replace").split())[:_MAX_SAID]
        return f" (remote: {words})" if words else ""


class _Plan:
    def __init__(self, updates: Sequence[Mapping[str, str]]) -> None:
        self._updates = updates

    def updates(self, refs: Mapping[Ref, ObjectID]) -> dict[Ref, ObjectID]:
        """What to ask for, given the refs that the server has at this moment."""
        wanted: dict[Ref, ObjectID] = {}
        for update in self._updates:
            ref, new = Ref(update["ref"].encode()), update["new"].encode("ascii")
            now = refs.get(ref, b"")
            if now == new:
                continue
            if now != update["expected"].encode("ascii"):
                raise PushRaced(f"'{update['ref']}' has moved meanwhile")
            wanted[ref] = ObjectID(new)
        if not wanted:
            raise PushRejected("already up-to-date")
        return wanted


def _require_taken(status: Mapping[bytes, str | None], said: _Said) -> None:
    refused = {ref.decode("utf-8", "replace"): why for ref, why in status.items() if why is not None}
    if not refused:
        return
    text = ", ".join(f"'{ref}': {why}" for ref, why in sorted(refused.items()))[:_MAX_SAID]
    raced = any(words in why for why in refused.values() for words in _RACED)
    raise (PushRaced if raced else PushRejected)(f"{text}{said}")


def _new_objects(repo: Repo, sha: str) -> list[ShaFile]:
    """A commit that was made here, and what it has and its parent has not; nothing for a fetched one."""
    store = repo.object_store
    with refusing_garbage(f"commit '{sha}'"):
        commit = store[ObjectID(sha.encode("ascii"))]
        if not isinstance(commit, Commit) or not _is_loose(repo, commit):
            return []
        parent = store[commit.parents[0]]
        assert isinstance(parent, Commit)
        found: list[ShaFile] = [commit]
        _collect(store, commit.tree, parent.tree, found)
    return found


def _is_loose(repo: Repo, commit: Commit) -> bool:
    """What is fetched lies in a pack; what is written here does not."""
    return repo.object_store.contains_loose(commit.id)


def _collect(store: BaseObjectStore, new: ObjectID, old: ObjectID | None, found: list[ShaFile]) -> None:
    if new == old:
        return
    if len(found) >= _MAX_OBJECTS:
        raise RepositoryRefused(f"a commit of more than {_MAX_OBJECTS} new objects")
    tree = store[new]
    found.append(tree)
    if not isinstance(tree, Tree):
        return
    before = store[old] if old is not None else None
    known = {e.path: e.sha for e in before.items()} if isinstance(before, Tree) else {}
    for entry in tree.items():
        if not S_ISGITLINK(entry.mode):
            _collect(store, entry.sha, known.get(entry.path), found)
