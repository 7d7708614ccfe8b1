r"""SOPS documents of `KEY=value` lines; a line break in a value is written `\n`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from controllers.kustomize.sops.errors import DocumentInvalid
from controllers.kustomize.sops.metadata import Metadata, unflatten
from controllers.kustomize.sops.opener import Opener
from controllers.kustomize.sops.tree import Branch, Plain, decoded, leaf_text, opened
from controllers.kustomize.sops.values import Comment

_PREFIX = "sops_"


@dataclass(frozen=True, slots=True)
class DotenvDocument:
    metadata: Metadata
    tree: Branch

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Raises DocumentInvalid."""
        items: list[tuple[str | Comment, Any]] = []
        metadata: list[tuple[str, str]] = []
        for number, line in enumerate(decoded(content).split("\n"), start=1):
            if not line:
                continue
            if line.startswith("#"):
                items.append((Comment(line[1:]), None))
                continue
            name, equals, raw = line.partition("=")
            if not equals:
                raise DocumentInvalid(f"line {number} is not KEY=value")
            value = raw.replace("\\n", "\n")
            if name.startswith(_PREFIX):
                metadata.append((name.removeprefix(_PREFIX), value))
            else:
                items.append((name, value))
        return cls(Metadata.parse(unflatten(metadata)), Branch(items))

    def open(self, opener: Opener) -> Plain:
        return Plain(opened(self.tree, opener))


def dotenv_content(tree: Branch) -> bytes:
    """Raises DocumentInvalid for a tree that is not flat."""
    lines = []
    for key, value in tree.items:
        if isinstance(key, Comment):
            lines.append(f"#{key.text}\n")
        elif isinstance(value, Branch | list):
            raise DocumentInvalid(f"{key!r} has fields of its own, which a dotenv file cannot hold")
        else:
            lines.append(f"{key}={leaf_text(value).replace(chr(10), chr(92) + 'n')}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")
