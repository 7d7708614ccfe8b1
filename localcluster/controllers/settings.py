"""How the simulated controllers behave: the flags of the process, as values."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+\Z")
_LONGEST = 64
DEFAULT_DELAY = 0.2


@dataclass(frozen=True, slots=True)
class WorkloadSettings:
    """`enabled`: whether there are simulated controllers at all; `delay`: seconds that each step of a
    workload's life takes (start of a container, its end, binding of a volume, an address) where no
    annotation says otherwise.
    """

    enabled: bool = True
    delay: float = DEFAULT_DELAY


def parse_duration(text: str) -> float:
    """Seconds of `200ms`, `1m30s` or `0`; raises ValueError."""
    if text == "0":
        return 0.0
    if len(text) > _LONGEST or not _DURATION.match(text):
        raise ValueError(f"not a duration: {text[:_LONGEST]!r} (like 200ms, 2s, 1m30s)")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def add_workload_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("simulated workloads")
    group.add_argument(
        "--no-workloads",
        action="store_true",
        help="no simulated controllers: Deployments, Pods, Jobs and volume claims stay as they are written",
    )
    group.add_argument(
        "--workload-delay",
        type=_flag_duration,
        default=DEFAULT_DELAY,
        metavar="DURATION",
        help="how long pods take to start, to end and to stop, volumes to bind (default: 200ms)",
    )


def read_workload_flags(options: argparse.Namespace) -> WorkloadSettings:
    return WorkloadSettings(enabled=not options.no_workloads, delay=options.workload_delay)


def _flag_duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
