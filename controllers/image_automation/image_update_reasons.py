"""Machine words and failures of ImageUpdateAutomation (specs/image.md 10.3)."""

from __future__ import annotations

from enum import StrEnum

from shared.runtime.failure import Failure, Stalled


class Reason(StrEnum):
    """Words that dashboards and the flux command know."""

    ACCESS_DENIED = "AccessDenied"
    FEATURE_GATE_DISABLED = "FeatureGateDisabled"
    INVALID_POLICY_SELECTOR = "InvalidPolicySelector"
    INVALID_SOURCE_CONFIGURATION = "InvalidSourceConfiguration"
    INVALID_UPDATE_STRATEGY = "InvalidUpdateStrategy"
    REMOVED_TEMPLATE_FIELD = "RemovedTemplateField"


class InvalidSource(Stalled):
    """What the spec says of the source, or the source itself, has to be changed."""

    reason = Reason.INVALID_SOURCE_CONFIGURATION


class SourceManagerFailed(Failure):
    """The source cannot be opened, or it is not clear where to push."""

    reason = "SourceManagerFailed"

    def __init__(self, message: str) -> None:
        super().__init__(f"failed configuring source manager: {message}")


class CheckoutFailed(Failure):
    """The repository could not be read."""

    reason = "GitOperationFailed"

    def __init__(self, message: str) -> None:
        super().__init__(f"failed to checkout source: {message}")


class SourceUpdateFailed(Failure):
    """No commit could be made, or none could be pushed."""

    reason = "GitOperationFailed"

    def __init__(self, message: str) -> None:
        super().__init__(f"failed to update source: {message}")


class UpdateFailed(Failure):
    """The files could not be edited."""

    reason = "UpdateFailed"

    def __init__(self, message: str) -> None:
        super().__init__(f"failed to apply policies: {message}")
