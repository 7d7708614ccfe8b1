"""What a build looked at, so that a new revision which touched none of it need not be built again.

A build is a pure function of the files it reads, the directories it lists and the paths it resolves;
when all of these are as before, so is the result. In a repository of many applications, a commit to
one of them then costs the others no more than reading their files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from shared.kustomize.errors import BuildError
from shared.kustomize.filesystem import Tree

_MAX_LOOKS = 20_000


@dataclass(slots=True)
class Footprint:
    """Every answer that a tree gave, by question; None where it was an error."""

    _answers: dict[tuple[str, str], object] = field(default_factory=dict)
    _limits: dict[str, int] = field(default_factory=dict)
    _complete: bool = True

    def note(self, question: str, path: str, answer: object, limit: int = 0) -> None:
        if len(self._answers) >= _MAX_LOOKS:
            self._complete = False
            return
        self._answers[question, path] = answer
        if limit:
            self._limits[path] = max(limit, self._limits.get(path, 0))

    def give_up(self) -> None:
        """The build depends on more than the tree."""
        self._complete = False

    def holds(self, tree: Tree) -> bool:
        """Would the same build of this tree see the same? Blocking; for a thread."""
        return self._complete and all(
            _ask(tree, question, path, self._limits.get(path, 0)) == answer
            for (question, path), answer in self._answers.items()
        )


class RecordedTree:
    """A tree that notes in `footprint` what it is asked."""

    def __init__(self, tree: Tree, footprint: Footprint) -> None:
        self._tree, self._footprint = tree, footprint

    def resolve(self, path: str) -> str:
        try:
            resolved = self._tree.resolve(path)
        except BuildError:
            self._footprint.note("resolve", path, None)
            raise
        self._footprint.note("resolve", path, resolved)
        return resolved

    def is_directory(self, path: str) -> bool:
        answer = self._tree.is_directory(path)
        self._footprint.note("is_directory", path, answer)
        return answer

    def read(self, path: str, limit: int) -> bytes:
        try:
            content = self._tree.read(path, limit)
        except BuildError:
            self._footprint.note("read", path, None, limit)
            raise
        self._footprint.note("read", path, _digest(content), limit)
        return content

    def names(self, path: str) -> list[str]:
        answer = self._tree.names(path)
        self._footprint.note("names", path, tuple(answer))
        return answer


def _ask(tree: Tree, question: str, path: str, limit: int) -> object:
    try:
        match question:
            case "resolve":
                return tree.resolve(path)
            case "is_directory":
                return tree.is_directory(path)
            case "names":
                return tuple(tree.names(path))
            case _:
                return _digest(tree.read(path, limit))
    except BuildError:
        return None


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
