"""Tags as a scan gathers them, and what a finished list is called (specs/image.md 4.2, 6): pure.

A hundred thousand tags are a few megabytes; five times as many are refused with advice.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from shared.logic.regex import InvalidRegex, compile_regex

MAX_TAGS = 500_000
_LATEST = 10
# What the distribution specification allows. Anything else would be written into somebody's manifests.
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)


class TooManyTags(Exception):
    """More than are kept."""

    def __init__(self) -> None:
        super().__init__(
            f"more than {MAX_TAGS} tags: delete old ones in the registry, "
            "or leave them out by spec.exclusionList"
        )


class Gathering:
    """The tags of one scan, page by page; those that are excluded, or no tags at all, are left out."""

    def __init__(self, exclusions: Iterable[str]) -> None:
        """Raises InvalidRegex."""
        self._patterns = [_exclusion(pattern) for pattern in exclusions]
        self._kept: list[str] = []
        self._seen = 0

    def add(self, page: Sequence[str]) -> None:
        """Raises TooManyTags, also for a list that only repeats itself."""
        self._seen += len(page)
        patterns = self._patterns
        self._kept += [
            tag for tag in page if _TAG.fullmatch(tag) and not any(each.search(tag) for each in patterns)
        ]
        if len(self._kept) > MAX_TAGS or self._seen > _MOST_SEEN:
            raise TooManyTags

    def finish(self) -> list[str]:
        """Each once, in descending order of their bytes."""
        return sorted(set(self._kept), reverse=True)


_MOST_SEEN = 10 * MAX_TAGS


def _exclusion(pattern: str) -> Any:
    try:
        return compile_regex(pattern)
    except InvalidRegex as error:
        raise InvalidRegex(f"failed to compile regex '{pattern[:200]}': {error}") from error


@dataclass(frozen=True, slots=True)
class Listing:
    """A finished list in a few words: what a status says of it."""

    revision: str
    count: int
    latest: tuple[str, ...]

    @classmethod
    def of(cls, tags: Sequence[str], *, by_content: bool) -> Listing:
        """`by_content` names it by SHA-256 (the FluxStorage gate), else by Adler-32 of its JSON."""
        return cls(_sha256(tags) if by_content else _adler32(tags), len(tags), tuple(tags[:_LATEST]))


def _adler32(tags: Sequence[str]) -> str:
    return str(zlib.adler32(orjson.dumps(list(tags))))


def _sha256(tags: Sequence[str]) -> str:
    lines = "".join(f"{tag}\n" for tag in tags)
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"
