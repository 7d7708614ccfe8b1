"""How a Kustomization can fail, with the reasons Flux's tools know (specs/kustomize.md 3)."""

from __future__ import annotations

from shared.runtime.failure import Failure, Stalled


class ArtifactFailed(Failure):
    """The source or its artifact cannot be had, or the path is not in it."""

    reason = "ArtifactFailed"


class WorkspaceFailed(Failure):
    """No room to work in."""

    reason = "DirCreationFailed"


class BuildFailed(Failure):
    """What is in git does not build."""

    reason = "BuildFailed"


class ReconciliationFailed(Failure):
    """The cluster refused what was built."""

    reason = "ReconciliationFailed"


class PruneFailed(Failure):
    """Something that left git could not be deleted."""

    reason = "PruneFailed"


class HealthCheckFailed(Failure):
    """What was applied did not become healthy in time."""

    reason = "HealthCheckFailed"


class AccessDenied(Stalled):
    reason = "AccessDenied"

    def __init__(self, message: str) -> None:
        super().__init__(message, advances=False)


class InvalidExpression(Stalled):
    """A CEL expression in the spec does not compile."""

    reason = "InvalidCELExpression"

    def __init__(self, problem: object) -> None:
        super().__init__(f"Reconciliation failed terminally due to configuration error: {problem}")


class FeatureDisabled(Stalled):
    reason = "FeatureGateDisabled"

    def __init__(self, message: str) -> None:
        super().__init__(message, advances=False)
