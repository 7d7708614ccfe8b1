"""The words of kstatus: how far an object is from what its spec asks for (specs/kustomize.md 11.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"
    NOT_FOUND = "NotFound"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Assessment:
    """A health and the sentence that explains it. `error` says why it could not be determined."""

    health: Health
    message: str = ""
    error: str = ""

    @property
    def is_current(self) -> bool:
        return self.health is Health.CURRENT

    @property
    def is_failed(self) -> bool:
        return self.health is Health.FAILED


def current(message: str) -> Assessment:
    return Assessment(Health.CURRENT, message)


def in_progress(message: str) -> Assessment:
    return Assessment(Health.IN_PROGRESS, message)


def failed(message: str) -> Assessment:
    return Assessment(Health.FAILED, message)


NOT_FOUND = Assessment(Health.NOT_FOUND, "Resource not found")
