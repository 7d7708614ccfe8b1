"""How a step fails so that the reconcile cannot go on (specs/helm.md 11)."""

from __future__ import annotations


class StepFailed(Exception):
    """Nothing is stored of it that the next step could go on from; it is tried again later.

    `hopeless`: trying again will not help, a person has to act.
    """

    def __init__(self, message: str, *, hopeless: bool = False) -> None:
        super().__init__(message)
        self.hopeless = hopeless


class StepInterrupted(Exception):
    """There is something newer to do."""
