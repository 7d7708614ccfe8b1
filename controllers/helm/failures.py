"""How a HelmRelease can fail, with the reasons Flux's tools know (specs/helm.md 3, 5)."""

from __future__ import annotations

from datetime import timedelta

from shared.runtime.failure import Failure, Stalled, Waiting


class ArtifactFailed(Failure):
    """The source or its artifact cannot be had, or is no chart."""

    reason = "ArtifactFailed"


class ValuesFailed(Failure):
    reason = "ValuesError"


class ChartVersionFailed(Failure):
    """The tag of the artifact and the version of the chart in it disagree."""

    reason = "ChartMutateError"


class ClusterFailed(Failure):
    """There is no way to act in the cluster that the spec names."""

    reason = "RESTClientError"


class StateFailed(Failure):
    """What is stored of the release is nothing to go on from."""

    reason = "StateError"


class StateUnusable(StateFailed):
    """What is stored cannot be read or understood: a person has to mend it. It is looked at now and then."""


class ReleaseFailed(Failure):
    """An action failed; conditions and events have told so."""

    reason = "ReconcileError"
    keeps_ready = True


class SourceNotReady(Waiting):
    reason = "SourceNotReady"

    def __init__(self, message: str, *, retry_in: timedelta) -> None:
        super().__init__(message, retry_in=retry_in, quiet=True)


class AccessDenied(Stalled):
    reason = "AccessDenied"


class InvalidExpression(Stalled):
    """A CEL expression in the spec does not compile."""

    reason = "InvalidCELExpression"

    def __init__(self, problem: object) -> None:
        super().__init__(f"Reconciliation failed terminally due to configuration error: {problem}")


class ReleaseStalled(Stalled):
    """No retries are left, or nothing is there to go back to; Ready says what failed last."""

    keeps_ready = True

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, reason=reason)
        self.quiet = True
