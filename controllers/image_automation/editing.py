"""Edit the files of a commit's tree without checking it out (spec image 14.1). Runs in the git worker.

Before: a commit was fetched into a bare repository. After: shared.git.commit commits the new tree.
"""

import contextlib
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from dulwich.object_store import commit_tree_changes
from dulwich.objects import Blob, ObjectID, ShaFile
from dulwich.repo import Repo

from controllers.image_automation.markers import NEEDLE, Setters
from controllers.image_automation.setters import EditDamages, Edited, edit
from controllers.image_automation.tree_paths import Files, PathMissing
from controllers.image_automation.yaml_scan import UnreadableYaml
from shared.git.fetching import peel
from shared.git.tree import TreeItem

_MAX_FILE = 32 * 1024 * 1024
_MAX_CHANGES = 50_000
_MAX_UNWRITTEN = 16 * 1024 * 1024
_SUFFIXES = (".yaml", ".yml")
_NAME = "Kustomization"


def edit_tree(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `repository`, `commit`, `path` (as the user wrote it), `setters` (marker -> value) -> `changes`,
    `tree` (the new one's hash, or nothing when no file changed), and `skipped` files with the reasons.

    Each change has `file` (relative to the path), `api_version`, `kind`, `name`, `namespace`, `old`, `new`
    and `setter`; in place of all that is `error`, where the files cannot be updated.
    """
    setters = Setters(argument["setters"])
    with contextlib.closing(Repo(argument["repository"])) as repo:
        commit, _ = peel(repo, argument["commit"])
        try:
            return _Run(repo, Files(repo, commit.tree), setters).over(argument["path"])
        except (PathMissing, EditDamages, _TooMuch) as error:
            return {"error": str(error)}


class _TooMuch(Exception):
    """Files or changes beyond what is reasonable."""


class _Run:
    def __init__(self, repo: Repo, files: Files, setters: Setters) -> None:
        self._repo, self._files, self._setters = repo, files, setters
        self._changes: list[dict[str, str]] = []
        self._skipped: dict[str, str] = {}
        self._unwritten: list[tuple[ShaFile, None]] = []
        self._unwritten_bytes = 0

    def over(self, path: str) -> dict[str, Any]:
        tree_changes = [
            change for name, item in self._candidates(path) for change in self._edited(name, item)
        ]
        self._write()
        tree = ""
        if tree_changes:
            new = commit_tree_changes(self._repo.object_store, self._files.root, tree_changes)
            tree = new.decode("ascii")
        return {"tree": tree, "changes": self._changes, "skipped": self._skipped}

    def _candidates(self, path: str) -> Iterator[tuple[str, TreeItem]]:
        """Names relative to the path, in lexical order; each file once, whichever way leads to it."""
        seen = set()
        for name, item in self._files.below(path):
            base = name.rpartition("/")[2]
            if (base.endswith(_SUFFIXES) or base == _NAME) and item.path not in seen:
                seen.add(item.path)
                yield name, item

    def _edited(self, name: str, item: TreeItem) -> list[tuple[bytes, int, ObjectID]]:
        raw = self._repo.object_store[ObjectID(item.sha.encode("ascii"))].as_raw_string()
        if NEEDLE not in raw:
            return []
        if len(raw) > _MAX_FILE:
            raise _TooMuch(f"file '{_shown(name)}' has {len(raw)} bytes; at most {_MAX_FILE} can be edited")
        edited = self._edit(name, raw)
        if edited is None or not edited.changes:
            return []
        self._record(name, edited)
        blob = Blob.from_string(edited.text.encode())
        self._store(blob)
        return [
            (
                "/".join(item.path).encode("utf-8", "surrogateescape"),
                stat.S_IMODE(item.mode) | stat.S_IFREG,
                blob.id,
            )
        ]

    def _store(self, blob: Blob) -> None:
        """Many small files cost more than one big one, and too many in memory cost more than both."""
        self._unwritten.append((blob, None))
        self._unwritten_bytes += blob.raw_length()
        if self._unwritten_bytes > _MAX_UNWRITTEN:
            self._write()

    def _write(self) -> None:
        if self._unwritten:
            self._repo.object_store.add_objects(self._unwritten)
        self._unwritten, self._unwritten_bytes = [], 0

    def _edit(self, name: str, raw: bytes) -> Edited | None:
        """None for what is no YAML: others put such files beside theirs, and they are not ours to judge."""
        try:
            return edit(raw.decode("utf-8"), self._setters)
        except UnicodeDecodeError:
            self._skipped[_shown(name)] = "not UTF-8"
        except UnreadableYaml as error:
            self._skipped[_shown(name)] = str(error)[:200]
        except EditDamages as error:
            raise EditDamages(f"file '{_shown(name)}': {error}") from error
        return None

    def _record(self, name: str, edited: Edited) -> None:
        if len(self._changes) + len(edited.changes) > _MAX_CHANGES:
            raise _TooMuch(f"more than {_MAX_CHANGES} values to change: set spec.update.path")
        for change in edited.changes:
            owner = change.object
            self._changes.append(
                {
                    "file": _shown(name),
                    "api_version": owner.api_version,
                    "kind": owner.kind,
                    "name": owner.name,
                    "namespace": owner.namespace,
                    "old": change.old,
                    "new": change.new,
                    "setter": change.setter,
                }
            )


def _shown(name: str) -> str:
    """File names need not be text."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
