"""What a repository index consists of, whichever notation it is in."""

from dataclasses import dataclass
from typing import Any

MAX_CHARTS = 200_000
"""Names that are kept in memory to find one that comes twice."""


class IndexInvalid(ValueError):
    """The text is no index of a chart repository, or goes beyond the limits."""


@dataclass(frozen=True, slots=True)
class Item:
    """One version of a chart as it stands in the index; None says that a chart begins."""

    chart: str
    version: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A scalar beside the entries."""

    name: str
    value: Any
