"""The flags of the chart kinds (spec source 14.1): sizes in bytes, and the cache of look-ups."""

import argparse
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from shared.runtime.flags import Flags


@dataclass(frozen=True, slots=True)
class Bounds:
    """In bytes: of a packaged chart, and of each file in it."""

    chart: int
    file: int


@dataclass(frozen=True, slots=True)
class HelmLimits:
    """`cache_size` 0 keeps nothing."""

    index_max_bytes: int
    chart_max_bytes: int
    chart_file_max_bytes: int
    cache_size: int
    cache_ttl: timedelta
    cache_purge: timedelta

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.chart_max_bytes, self.chart_file_max_bytes)

    @staticmethod
    def offer(flags: Flags) -> None:
        flags.number("helm-index-max-size", 50 * 1024 * 1024, "bytes that a repository's index may have")
        flags.number("helm-chart-max-size", 10 * 1024 * 1024, "bytes that a packaged chart may have")
        flags.number("helm-chart-file-max-size", 5 * 1024 * 1024, "bytes that a file of a chart may have")
        flags.number("helm-cache-max-size", 0, "look-ups in indexes that are remembered; 0 remembers none")
        flags.duration("helm-cache-ttl", "15m", "for how long an unused look-up is remembered")
        flags.duration("helm-cache-purge-interval", "1m", "how often forgotten look-ups are dropped")

    @classmethod
    def chosen(cls, found: argparse.Namespace) -> Self:
        return cls(
            found.helm_index_max_size,
            found.helm_chart_max_size,
            found.helm_chart_file_max_size,
            found.helm_cache_max_size,
            found.helm_cache_ttl,
            found.helm_cache_purge_interval,
        )
