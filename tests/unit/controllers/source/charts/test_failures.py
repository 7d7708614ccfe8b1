"""Which condition a failure of a build is seen in, and whether it is tried again."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controllers.source.charts.conditions import ChartReason
from controllers.source.charts.failures import authentication_failure, build_failure, note
from controllers.source.conditions import Reason
from shared.logic.conditions import Conditions
from shared.runtime.failure import Failure, Stalled
from shared.runtime.report import Report


def noted(failure: Failure) -> dict[str, tuple[str, str]]:
    conditions = Conditions((), generation=1, now=datetime.now(UTC))
    conditions.mark_true("FetchFailed", "Old", "old")
    conditions.mark_true("BuildFailed", "Old", "old")
    note(cast(Report, SimpleNamespace(conditions=conditions)), failure)
    return {item.type: (item.status, item.reason) for item in conditions}


@pytest.mark.parametrize(
    ("reason", "final", "expected"),
    [
        (ChartReason.INVALID_REFERENCE, True, {"FetchFailed": "True"}),
        (ChartReason.PULL_ERROR, False, {"FetchFailed": "True"}),
        (ChartReason.METADATA_PATCH_ERROR, True, {"BuildFailed": "True"}),
        (ChartReason.VALUES_FILES_ERROR, True, {"BuildFailed": "True"}),
        (ChartReason.DEPENDENCY_BUILD_ERROR, False, {"BuildFailed": "True"}),
        (ChartReason.PACKAGE_ERROR, False, {"BuildFailed": "True"}),
        (ChartReason.VERIFICATION_ERROR, False, {"BuildFailed": "True", "SourceVerified": "False"}),
    ],
)
def test_reasons_of_builds(reason: ChartReason, final: bool, expected: dict[str, str]) -> None:
    failure = build_failure(reason, "why")
    assert isinstance(failure, Stalled) is final
    assert failure.message.endswith(": why")
    found = noted(failure)
    assert {kind: status for kind, (status, _) in found.items()} == expected
    assert {text for kind, (_, text) in found.items() if kind != "SourceVerified"} == {reason}


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (authentication_failure("401"), "Unknown"),
        (Stalled("url", reason=Reason.URL_INVALID), "Unknown"),
        (Failure("gone", reason=Reason.READ_OPERATION_FAILED), "ReadOperationFailed"),
        (Failure("gone", reason=ChartReason.NO_SOURCE_ARTIFACT), "NoSourceArtifact"),
        (Failure("gone", reason=ChartReason.SOURCE_UNAVAILABLE), "SourceUnavailable"),
        (Stalled("odd", reason=ChartReason.UNSUPPORTED_SOURCE_KIND), "SourceUnavailable"),
    ],
)
def test_reasons_of_everything_else(failure: Any, expected: str) -> None:
    assert noted(failure) == {"FetchFailed": ("True", expected)}
