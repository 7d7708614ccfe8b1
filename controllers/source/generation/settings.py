"""The flags that source-watcher has in Flux (spec source 14.2); here its kind runs in source-controller."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from shared.runtime.flags import Flags


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """`retries` of a download; `timeout` of one run; `source_host` replaces the host of artifact URLs."""

    own_namespace_only: bool
    retries: int
    timeout: timedelta
    source_host: str

    @staticmethod
    def offer(flags: Flags) -> None:
        # Flux installs this kind only where it is asked for, with false. Here it is always there: a cluster
        # that was locked down for tenants must not be opened by it.
        text = "ArtifactGenerators use sources of their own namespace only"
        flags.boolean("no-cross-namespace-refs", text, default=True)
        flags.number("http-retry", 9, "how often an ArtifactGenerator tries again to fetch a source")
        flags.duration("reconciliation-timeout", "10m", "longest time for one run of an ArtifactGenerator")

    @classmethod
    def chosen(cls, found: argparse.Namespace, env: Mapping[str, str]) -> Self:
        return cls(
            own_namespace_only=found.no_cross_namespace_refs,
            retries=found.http_retry,
            timeout=found.reconciliation_timeout,
            source_host=env.get("SOURCE_CONTROLLER_LOCALHOST", ""),
        )
