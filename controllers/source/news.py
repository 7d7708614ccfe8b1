"""Is what a run ended with worth telling? One rule for all kinds of source (spec source 4.3)."""

from collections.abc import Iterable

from controllers.source.conditions import Reason
from shared.model.artifact import Artifact
from shared.model.meta import Reason as Common
from shared.runtime.report import Report


def reason_to_tell(
    report: Report, before: Artifact | None, now: Artifact, failures: Iterable[str]
) -> str | None:
    """A new artifact, or that what failed works again; None when it is no news.

    `failures` are the condition types of the kind that say that it failed.
    """
    if before is None or before.digest != now.digest:
        return Reason.NEW_ARTIFACT
    kinds = tuple(failures)
    failed = any(report.before.is_true(kind) for kind in kinds)
    fails = any(report.conditions.is_true(kind) for kind in kinds)
    return Common.SUCCEEDED if failed and not fails else None
