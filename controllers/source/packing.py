"""Make the tarball of a commit, straight from the object store. Runs in a git worker process.

What goes in: the commit's files (or the sparse part of them), its submodules', and the content of
included artifacts, less what the ignore rules keep out.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from dulwich.objects import Blob, ObjectID
from dulwich.repo import Repo

from shared.artifacts.pack import Content, Entry, EntryKind, entries_below, pack
from shared.git.fetching import peel
from shared.git.garbage import refusing_garbage
from shared.git.tree import TreeItem, sparse, walk
from shared.logic.ignore import InvalidIgnoreRules, Rules, compose

IGNORE_FILE = ".sourceignore"
_MAX_IGNORE_BYTES = 1024 * 1024

TreePath = tuple[str, ...]


class _Problem(Exception):
    """Something the user has to look at, with the reason for the condition."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def pack_commit(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: write the artifact file `out`, hashed by `algorithm`.

    `repository`, `commit`; `modules` as fetch_submodules gives them; `sparse` paths; `ignore` (spec.ignore
    or null); `includes`: [{directory, from, to}], paths as components.
    -> `digest`, or `problem` (a reason) and `message`.
    """
    try:
        with contextlib.ExitStack() as repositories, Path(argument["out"]).open("wb") as out:
            entries = _collect(argument, repositories)
            rules = _rules(entries, argument["ignore"])
            kept = (e for e in entries.values() if not rules.ignores(e.path, is_dir=e.is_dir))
            packed = pack(kept, out, algorithm=argument["algorithm"])
    except _Problem as problem:
        return {"problem": problem.reason, "message": str(problem)}
    return {"digest": str(packed.digest)}


def _collect(argument: Mapping[str, Any], repositories: contextlib.ExitStack) -> dict[TreePath, Entry]:
    wanted = [tuple(path) for path in argument["sparse"]]
    entries: dict[TreePath, Entry] = {}
    trees = [{"path": [], "repository": argument["repository"], "commit": argument["commit"]}]
    for tree in [*trees, *argument["modules"]]:
        repo = repositories.enter_context(contextlib.closing(Repo(tree["repository"])))
        base = tuple(tree["path"])
        items = [
            TreeItem((*base, *item.path), item.mode, item.sha)
            for item in walk(repo, peel(repo, tree["commit"])[0].tree)
        ]
        for item in sparse(items, wanted):
            entry = _entry(repo, item)
            if entry is not None:
                entries[entry.path] = entry
    for include in argument["includes"]:
        _include(entries, Path(include["directory"]), tuple(include["from"]), tuple(include["to"]))
    return entries


def _entry(repo: Repo, item: TreeItem) -> Entry | None:
    """Links have no place in an artifact; a submodule that was not fetched is an empty directory."""
    if item.is_dir or item.is_submodule:
        return Entry(item.path, EntryKind.DIRECTORY)
    if not item.is_file:
        return None
    kind = EntryKind.EXECUTABLE if item.is_executable else EntryKind.FILE
    return Entry(item.path, kind, partial(_open_blob, repo, item.sha))


def _open_blob(repo: Repo, sha: str) -> Content:
    with refusing_garbage(f"blob {sha}"):
        # Raw bytes instead of a Blob, which would be a second copy.
        kind, raw = repo.object_store.get_raw(ObjectID(sha.encode("ascii")))
        if kind != Blob.type_num:
            raise ValueError("not a blob")
    return Content(len(raw), [raw])


def _include(entries: dict[TreePath, Entry], directory: Path, source: TreePath, target: TreePath) -> None:
    """Move `source` of an unpacked artifact to `target`, which must not have content yet."""
    occupied = any(path[: len(target)] == target for path in entries if len(path) > len(target))
    existing = entries.get(target)
    if occupied or (existing is not None and not existing.is_dir) or not target:
        raise _Problem("CopyFailure", f"include target '{'/'.join(target)}' is not empty")
    origin = directory.joinpath(*source)
    if not origin.exists():
        raise _Problem("CopyFailure", f"include path '{'/'.join(source)}' does not exist")
    for depth in range(1, len(target)):
        parent = entries.setdefault(target[:depth], Entry(target[:depth], EntryKind.DIRECTORY))
        if not parent.is_dir:
            raise _Problem("CopyFailure", f"include target '{'/'.join(target)}' is below a file")
    for entry in _moved(origin, target):
        entries[entry.path] = entry


def _moved(origin: Path, target: TreePath) -> Iterator[Entry]:
    if origin.is_dir():
        yield Entry(target, EntryKind.DIRECTORY)
        found: Iterable[Entry] = entries_below(origin)
        yield from (Entry((*target, *entry.path), entry.kind, entry.open) for entry in found)
    else:
        siblings = entries_below(origin.parent)
        yield from (Entry(target, e.kind, e.open) for e in siblings if e.path == (origin.name,))


def _rules(entries: Mapping[TreePath, Entry], spec_ignore: str | None) -> Rules:
    files = sorted(path for path in entries if path[-1] == IGNORE_FILE and ".git" not in path)
    try:
        return compose(
            [
                (path[:-1], _ignore_text(path, entries[path].open))
                for path in files
                if not entries[path].is_dir
            ],
            spec_ignore,
        )
    except InvalidIgnoreRules as error:
        raise _Problem("SourceIgnoreError", f"failed to load ignore patterns: {error}") from error


def _ignore_text(path: TreePath, open_content: Callable[[], Content]) -> str:
    content = open_content()
    if content.size > _MAX_IGNORE_BYTES:
        raise _Problem("SourceIgnoreError", f"'{'/'.join(path)}' is larger than {_MAX_IGNORE_BYTES} bytes")
    return b"".join(content.chunks).decode("utf-8", "surrogateescape")
