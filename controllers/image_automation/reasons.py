"""Machine words of ImageRepository and ImagePolicy that dashboards and the flux command know."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """As specs/image.md 3.3 and 7.5 spell them."""

    IMAGE_URL_INVALID = "ImageURLInvalid"
    FEATURE_GATE_DISABLED = "FeatureGateDisabled"
    AUTHENTICATION_FAILED = "AuthenticationFailed"
    READ_OPERATION_FAILED = "ReadOperationFailed"
    FAILURE = "Failure"
    INTERVAL_NOT_CONFIGURED = "IntervalNotConfigured"
    INVALID_POLICY = "InvalidPolicy"
