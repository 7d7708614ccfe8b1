"""What travels to the notification service (specs/runtime.md 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MAX_MESSAGE = 39_000


class EventType(StrEnum):
    """`TRACE` becomes a Kubernetes Event but is never posted."""

    NORMAL = "Normal"
    WARNING = "Warning"
    TRACE = "Trace"

    @property
    def severity(self) -> str:
        return {"Normal": "info", "Warning": "error", "Trace": "trace"}[self.value]

    @property
    def kubernetes_type(self) -> str:
        return "Warning" if self is EventType.WARNING else "Normal"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing worth telling. `metadata` keys are `<object group>/<key>`."""

    involved: Mapping[str, Any]
    type: EventType
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
