"""How an action fails.

ActionFailed           the action did not come to its end; `release` is the record that it left, if any
├── Interrupted        its wait was cut short, because there is something newer to do
├── NothingInstalled   there is no record of the release
└── RecordUnusable     a record is corrupt or too big: trying again will not help
ObjectsFailed          inside an action: objects that the cluster refused, by name
WaitFailed             inside an action: objects that are not ready
└── WaitCancelled      inside an action: nobody waits for them any more
"""

from __future__ import annotations

from collections.abc import Sequence

from controllers.helm.release.record import Release

_MOST_TOLD = 10
_LONGEST_TOLD = 2_000


class ActionFailed(Exception):
    """`release` is the revision as it was last stored, None when nothing was stored."""

    def __init__(self, message: str, release: Release | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.release = release


class Interrupted(ActionFailed):
    """The record says `failed`, but it was not the release's fault."""


class NothingInstalled(ActionFailed):
    """There is no revision in storage."""


class RecordUnusable(ActionFailed):
    """The text names the Secret and says what to do."""


class ObjectsFailed(Exception):
    """One line for each object that failed, bounded."""

    @classmethod
    def of(cls, problems: Sequence[str]) -> ObjectsFailed:
        # Sorted, so that the same failure is the same message, whatever was asked first.
        lines = [problem[:_LONGEST_TOLD] for problem in sorted(problems)[:_MOST_TOLD]]
        if len(problems) > _MOST_TOLD:
            lines.append(f"and {len(problems) - _MOST_TOLD} more objects")
        return cls("\n".join(lines))


class WaitFailed(Exception):
    """Names the objects, and what is wrong with each."""


class WaitCancelled(WaitFailed):
    """The wait was given up on request."""
