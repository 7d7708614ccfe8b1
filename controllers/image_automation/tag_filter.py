"""`filterTags`: which tags count, and which part of them is compared (specs/image.md 8.1): pure.

The template is that of Go's regexp.Expand: `$name`, `${name}`, `$1`, `$$`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from shared.logic.regex import compile_regex
from shared.model.image import TagFilter

MAX_EXTRACT = 256
"""Characters that may be extracted from one tag; a tag has at most 128."""

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>\w+)\}|(?P<plain>\w+))")


class ExtractTooLong(ValueError):
    """The template makes more of a tag than anything could be compared by."""

    def __init__(self) -> None:
        super().__init__(f"spec.filterTags.extract makes values of more than {MAX_EXTRACT} characters")


class Filter:
    """A compiled filter. Without `extract`, the value of a tag is the tag."""

    def __init__(self, spec: TagFilter) -> None:
        """Raises InvalidRegex, ExtractTooLong."""
        self._pattern = compile_regex(spec.pattern)
        if len(spec.extract) > MAX_EXTRACT:
            raise ExtractTooLong
        self._template = _parse_template(spec.extract, self._pattern) if spec.extract else None

    def values(self, tags: Sequence[str]) -> dict[str, str]:
        """Value -> tag, in the order of the tags; of tags with one value, the last. Raises ExtractTooLong."""
        template = self._template
        if template is None:
            return {tag: tag for tag in tags if self._pattern.search(tag)}
        found: dict[str, str] = {}
        for tag in tags:
            match = self._pattern.search(tag)
            if match is not None:
                found[_expand(template, match)] = tag
        return found


_Part = str | int
"""Literal text, or the number of a group."""


def _parse_template(text: str, pattern: Any) -> tuple[_Part, ...]:
    """Groups that the pattern does not have are nothing; a dollar sign that means nothing is itself."""
    parts: list[_Part] = []
    position = 0
    for reference in _REFERENCE.finditer(text):
        parts.append(text[position : reference.start()])
        position = reference.end()
        name = reference["braced"] or reference["plain"]
        if name is None:
            parts.append("$")
            continue
        group = _group(name, pattern)
        if group is not None:
            parts.append(group)
    parts.append(text[position:])
    return tuple(part for part in parts if part != "")


def _group(name: str, pattern: Any) -> int | None:
    is_number = name.isascii() and name.isdigit() and (name == "0" or not name.startswith("0"))
    if is_number and len(name) < 9:
        return int(name) if int(name) <= pattern.groups else None
    found: int | None = pattern.groupindex.get(name)
    return found


def _expand(template: tuple[_Part, ...], match: Any) -> str:
    texts = [part if isinstance(part, str) else match.group(part) or "" for part in template]
    if sum(map(len, texts)) > MAX_EXTRACT:
        raise ExtractTooLong
    return "".join(texts)
