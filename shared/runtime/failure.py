"""How a reconcile says that it did not succeed. The class decides what happens next.

Failure            something broke: try again (with back-off, or after `retry_in`)
├── Waiting        nothing is broken, something else must happen first: after `retry_in`
└── Stalled        only a change of the spec can help: no retry
    └── InvalidSpec
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from shared.logic.redact import redact
from shared.model.meta import Reason


class Failure(Exception):
    """`message` is read by users in conditions and events: what, which object, what to do.

    `reason` is the machine word, from the class unless given. `retry_in` None means per-object
    exponential back-off. `metadata` goes with the event. `quiet` says that no event is due.
    Credentials in the message are replaced, since it ends in status, events and logs. A class that
    `keeps_ready` is for reconciles which have said in Ready already what is wrong.
    """

    reason: str = Reason.FAILED
    keeps_ready: bool = False

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        retry_in: timedelta | None = None,
        metadata: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> None:
        # A file name may hold bytes that are no text; nothing that is printed or sent may.
        self.message = redact(message).encode(errors="replace").decode()
        super().__init__(self.message)
        self.reason = reason or type(self).reason
        self.retry_in = retry_in
        self.metadata = metadata or {}
        self.quiet = quiet


class Waiting(Failure):
    """`event`, where given, is told instead of the message."""

    reason: str = Reason.DEPENDENCY_NOT_READY

    def __init__(
        self,
        message: str,
        *,
        retry_in: timedelta,
        reason: str | None = None,
        event: str = "",
        quiet: bool = False,
    ) -> None:
        super().__init__(message, reason=reason, retry_in=retry_in, quiet=quiet)
        self.event = event or message


class Stalled(Failure):
    """`advances` is false for the few stalls after which Flux leaves observedGeneration behind."""

    reason: str = Reason.INVALID_SPEC

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        advances: bool = True,
    ) -> None:
        super().__init__(message, reason=reason, metadata=metadata)
        self.advances = advances


class InvalidSpec(Stalled):
    """The object got past the CRD's schema but cannot be understood."""
