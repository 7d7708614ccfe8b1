"""Which version of a chart is meant: the named one, else the highest of a range (spec source 11.4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from shared.logic.semver import InvalidVersion, Range, Version
from shared.model.meta import parse_time

ANY = "*"


@dataclass(frozen=True, slots=True)
class ChartVersion:
    """Of an index's entry what a download needs; `digest` is hex, perhaps with an algorithm, or empty."""

    name: str
    version: str
    urls: tuple[str, ...]
    digest: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        urls = raw.get("urls")
        listed = urls if isinstance(urls, list) else []
        digest = raw.get("digest")
        return cls(
            raw["name"],
            raw["version"],
            tuple(url for url in listed if isinstance(url, str) and url.isprintable()),
            digest if isinstance(digest, str) else "",
        )


def is_exact(wanted: str) -> bool:
    """Whether the text names a version in full, so that nothing has to be chosen."""
    return full_version(wanted) is not None


def full_version(text: str) -> Version | None:
    """A version of three parts; None for anything else."""
    if text.partition("-")[0].partition("+")[0].count(".") != 2:
        return None
    try:
        return Version.parse(text)
    except InvalidVersion:
        return None


def choose(versions: Iterable[Mapping[str, Any]], wanted: str) -> ChartVersion | None:
    """The entry that is exactly `wanted`, else the highest in that range, the newest of equals.

    Empty or `*` is the highest stable version. Raises InvalidRange when the text is neither.
    """
    best: tuple[Version, Mapping[str, Any]] | None = None
    within: Range | None = None
    for raw in versions:
        if wanted and raw["version"] == wanted:
            return ChartVersion.parse(raw)
        version = full_version(raw["version"])
        if version is None:
            continue
        within = within or Range.parse(wanted or ANY)
        if within.contains(version) and (best is None or _is_better(version, raw, best)):
            best = version, raw
    if within is None:
        Range.parse(wanted or ANY)
    return ChartVersion.parse(best[1]) if best else None


def _is_better(version: Version, raw: Mapping[str, Any], best: tuple[Version, Mapping[str, Any]]) -> bool:
    if version != best[0]:
        return version > best[0]
    return parse_time(str(raw.get("created", ""))) > parse_time(str(best[1].get("created", "")))
