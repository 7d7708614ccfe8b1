"""Annotations by which tests and demos direct the simulation, on an object or on its pod template.

`localcluster.headwater.dev/ready-after: 2s`    until a pod is ready, a volume bound, an address given
`localcluster.headwater.dev/finish-after: 5s`   for how long a container that ends runs, or `never`
`localcluster.headwater.dev/fail: HOW`          what goes wrong; see `Failure`

A pod's own annotations come before those of the workload that made it. They are read anew with each
change, so that taking an annotation away lets a failing workload recover.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from localcluster.controllers.settings import parse_duration

PREFIX = "localcluster.headwater.dev/"
READY_AFTER = PREFIX + "ready-after"
FINISH_AFTER = PREFIX + "finish-after"
FAIL = PREFIX + "fail"


class Failure(StrEnum):
    """What may be made to go wrong. NEVER_READY also keeps claims unbound and load balancers pending."""

    CRASH_LOOP = "CrashLoopBackOff"
    IMAGE_PULL = "ImagePullBackOff"
    NEVER_READY = "never-ready"
    JOB_FAILS = "job-fails"
    UNSCHEDULABLE = "Unschedulable"


@dataclass(frozen=True, slots=True)
class Directives:
    """Seconds, and a failure or None. `finish_after` is infinite where a container never ends."""

    ready_after: float
    finish_after: float
    failure: Failure | None

    @classmethod
    def read(cls, delay: float, *annotations: Mapping[str, str]) -> Self:
        """From annotations, the most telling first; what cannot be understood counts as absent."""

        def first(name: str) -> str | None:
            return next((each[name] for each in annotations if name in each), None)

        return cls(
            ready_after=_seconds(first(READY_AFTER), delay),
            finish_after=math.inf if first(FINISH_AFTER) == "never" else _seconds(first(FINISH_AFTER), delay),
            failure=_failure(first(FAIL)),
        )


def annotations_of(obj: Mapping[str, object]) -> Mapping[str, str]:
    metadata = obj["metadata"]
    assert isinstance(metadata, dict)
    return metadata.get("annotations") or {}


def _seconds(text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        return parse_duration(text)
    except ValueError:
        return default


def _failure(text: str | None) -> Failure | None:
    try:
        return Failure(text) if text else None
    except ValueError:
        return None
