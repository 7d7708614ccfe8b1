"""`@alias/path` and `@artifact/path`: pure. No path leads out of its root."""

from collections.abc import Iterable
from dataclasses import dataclass

TreePath = tuple[str, ...]
ARTIFACT = "artifact"


class CopyRefused(Exception):
    """A copy that cannot be done; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path below a root; `is_folder` where it was written with a slash at its end, or is the root."""

    root: str
    text: str
    path: TreePath
    is_folder: bool


def parse_place(text: str) -> Place:
    """Raises CopyRefused for what has no root, or leaves it."""
    root, slash, path = text.removeprefix("@").partition("/")
    if not text.startswith("@") or not slash or not root:
        raise CopyRefused(f"'{text}' does not have the form '@alias/path'")
    return Place(root, path, cleaned(path), not path or path.endswith("/"))


def cleaned(path: str) -> TreePath:
    """Without empty parts, `.` and `..`. Raises CopyRefused where `..` would leave the root."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                raise CopyRefused(f"path '{path}' leaves its root")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if path.startswith("/") or "\0" in path:
        raise CopyRefused(f"path '{path}' is not relative")
    return tuple(parts)


def joined(path: Iterable[str]) -> str:
    return "/".join(path) or "."
