"""What the formats have in common: an ordered tree whose leaves are opened one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from controllers.kustomize.sops.errors import DocumentInvalid
from controllers.kustomize.sops.metadata import Metadata
from controllers.kustomize.sops.opener import Opener
from controllers.kustomize.sops.values import Comment, Leaf
from shared.logic.go_spelling import Blank

MAX_DEPTH = 100
METADATA_KEY = "sops"


@dataclass(frozen=True, slots=True)
class Branch:
    """A mapping that keeps its order, its comments and even a key that stands twice."""

    items: Sequence[tuple[str | Comment, Any]]

    def find(self, name: str) -> Any:
        """The value of the first such key, or None."""
        return next((value for key, value in self.items if key == name), None)

    def without(self, name: str) -> Branch:
        return Branch([(key, value) for key, value in self.items if key != name])


@dataclass(frozen=True, slots=True)
class Plain:
    """A decrypted document, never printed. `layout` is its file with only the values replaced (YAML)."""

    tree: Branch
    layout: bytes | None = None

    def __repr__(self) -> str:
        return "Plain(***)"


class Document(Protocol):
    """An encrypted document, read."""

    @property
    def metadata(self) -> Metadata: ...

    def open(self, opener: Opener) -> Plain:
        """Give every leaf to the opener. Raises SopsError."""
        ...


def opened(branch: Branch, opener: Opener, path: tuple[str, ...] = ()) -> Branch:
    """The branch with every leaf plain. Raises SopsError."""
    items: list[tuple[str | Comment, Any]] = []
    for key, value in branch.items:
        if isinstance(key, Comment):
            text = opener.comment(path, key.text)
            items.append((key if text is None else Comment(text), None))
        else:
            items.append((key, _opened(value, opener, (*path, key))))
    return Branch(items)


def _opened(value: Any, opener: Opener, path: tuple[str, ...]) -> Any:
    if len(path) > MAX_DEPTH:
        raise DocumentInvalid(f"nested more than {MAX_DEPTH} levels deep")
    match value:
        case Branch():
            return opened(value, opener, path)
        case list():
            return _opened_list(value, opener, path, 0)
        case _:
            return opener.leaf(path, value)


def _opened_list(values: list[Any], opener: Opener, path: tuple[str, ...], depth: int) -> list[Any]:
    # A position is no part of the path, so depth is counted apart.
    if len(path) + depth > MAX_DEPTH:
        raise DocumentInvalid(f"nested more than {MAX_DEPTH} levels deep")
    return [
        _opened_list(item, opener, path, depth + 1) if isinstance(item, list) else _opened(item, opener, path)
        for item in values
    ]


def branch_of(value: Any, depth: int = 0) -> Any:
    """A JSON value (dicts, lists, leaves) as a tree. Raises DocumentInvalid when it is too deep."""
    if depth > MAX_DEPTH:
        raise DocumentInvalid(f"nested more than {MAX_DEPTH} levels deep")
    match value:
        case dict():
            return Branch([(key, branch_of(item, depth + 1)) for key, item in value.items()])
        case list():
            return [branch_of(item, depth + 1) for item in value]
        case Blank():
            return None
        case _:
            return value


def json_of(value: Any) -> Any:
    """A tree as a JSON value, without comments; of keys that stand twice, the last wins."""
    match value:
        case Branch():
            return {key: json_of(item) for key, item in value.items if not isinstance(key, Comment)}
        case list():
            return [json_of(item) for item in value if not isinstance(item, Comment)]
        case str():
            return require_text(value)
        case _:
            return value


def require_text(value: str) -> str:
    """Raises DocumentInvalid for bytes that a text format cannot hold."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DocumentInvalid("a value holds bytes that are not UTF-8") from error
    return str(value)


def leaf_text(value: Leaf) -> str:
    """A leaf as text, for formats that know nothing else."""
    match value:
        case bool():
            return "true" if value else "false"
        case None | Comment():
            return ""
        case str():
            return value
        case _:
            return str(value)


def decoded(content: bytes) -> str:
    """UTF-8 text. Raises DocumentInvalid."""
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DocumentInvalid("not UTF-8 text") from error
