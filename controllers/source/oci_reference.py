"""Which manifest an OCIRepository means (spec source 9.1, 9.2): digest, else semver, else tag."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.logic.semver import InvalidVersion, Range, Version
from shared.model.source import OciReference

CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
DEFAULT_TAG = "latest"


class InvalidFilter(ValueError):
    """The text is no regular expression."""


class VersionChoice:
    """Takes tags page by page and keeps the best; nothing else is held."""

    def __init__(self, reference: OciReference, *, layer_type: str = "") -> None:
        """Raises InvalidRange, InvalidFilter."""
        self._range = Range.parse(reference.semver)
        self._pattern = _compiled(reference.semver_filter) if reference.semver_filter else None
        self._is_chart = layer_type == CHART_LAYER
        self._best: tuple[Version, str] | None = None

    @property
    def tag(self) -> str:
        """Empty while no tag is in the range. Of equal versions, the last in the alphabet."""
        return self._best[1] if self._best else ""

    def consider(self, tags: Iterable[str]) -> None:
        for tag in tags:
            if self._pattern is not None and not self._pattern.search(tag):
                continue
            version = self._version(tag)
            if version and self._range.contains(version):
                candidate = version, tag
                self._best = candidate if self._best is None else max(self._best, candidate)

    def _version(self, tag: str) -> Version | None:
        # A tag cannot have the plus sign that a chart's version may have.
        text = tag.replace("_", "+") if self._is_chart else tag
        if text.partition("-")[0].partition("+")[0].count(".") != 2:
            return None
        try:
            return Version.parse(text)
        except InvalidVersion:
            return None


@dataclass(frozen=True, slots=True)
class Target:
    """A manifest: `tag` is empty where the digest alone was given."""

    tag: str
    digest: str

    @property
    def revision(self) -> str:
        return f"{self.tag}@{self.digest}" if self.tag else self.digest


def _compiled(pattern: str) -> Any:
    """RE2: linear time whatever a user wrote, and Go's syntax."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise InvalidFilter(f"invalid regular expression {pattern!r}") from error
