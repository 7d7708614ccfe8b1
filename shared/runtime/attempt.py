"""One attempt at one object: the only place where an exception becomes a status.

Before: controller.py takes a key and loads the object. After: `Next` says when to look again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import structlog

from shared.kube.client import KubeClient
from shared.kube.errors import Conflict, KubeError, NotFound
from shared.model.event import EventType
from shared.model.meta import Object, Reason
from shared.runtime.failure import Failure, InvalidSpec, Stalled, Waiting
from shared.runtime.kind import Kind
from shared.runtime.outcome import Done, Outcome, Pending
from shared.runtime.report import Report, Tell
from shared.runtime.settle import settle_done, settle_failure, settle_pending, settle_suspended
from shared.runtime.status import StatusWriter

T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Next:
    """`result` is the metric's label; exactly one of the others may be set.

    `failed`: with back-off. `after`: at that time. `gone`: forget the object. `terminal` (a person must
    act) and `bug` are for the metrics.
    """

    result: str
    failed: bool = False
    after: timedelta | None = None
    jittered: bool = False
    gone: bool = False
    terminal: bool = False
    bug: bool = False
    latest: Object | None = field(default=None, compare=False)


class Attempt(Generic[T]):
    """Runs attempts at objects of one kind."""

    def __init__(
        self, kind: Kind[T], client: KubeClient, tell: Tell, now: Callable[[], datetime] | None = None
    ) -> None:
        self._kind = kind
        self._tell = tell
        self._now = now or (lambda: datetime.now(UTC))
        self._writer = StatusWriter(client, kind.resource, kind.field_manager, kind.owned)

    async def run(self, obj: Object) -> Next:
        """Never raises but for cancellation and bugs of this module: every failure ends in a Next."""
        report = Report(
            obj,
            writer=self._writer,
            tell=self._tell,
            now=self._now(),
            generation_in_status=self._kind.generation_in_status,
        )
        started = time.monotonic()
        try:
            verdict = await self._guarded(report)
            if not verdict.gone:
                await report.publish()
        except NotFound:
            return Next("success", gone=True)
        except Conflict as error:
            log.info("object changed meanwhile", error=error.message)
            return Next("requeue", after=timedelta(milliseconds=100), latest=None)
        except KubeError as error:
            log.error("status could not be written", error=str(error))
            return Next("error", failed=True)
        log.debug("attempt ended", result=verdict.result, seconds=round(time.monotonic() - started, 3))
        return replace(verdict, latest=report.obj)

    async def _guarded(self, report: Report) -> Next:
        try:
            return await self._step(report)
        except (NotFound, Conflict) as error:
            if isinstance(error, Conflict) or await self._vanished(report):
                raise
            return self._failed(report, Failure(str(error)))
        except Failure as failure:
            return self._failed(report, failure)
        except KubeError as error:
            return self._failed(report, Failure(str(error)))
        except TimeoutError:
            return self._failed(report, Failure("a step took too long", reason=Reason.FAILED))
        except Exception:
            log.exception("bug while reconciling")
            bug = Failure("internal error: see the controller's log", reason=Reason.INTERNAL_ERROR)
            return replace(self._failed(report, bug), bug=True)

    async def _step(self, report: Report) -> Next:
        meta, kind = report.obj["metadata"], self._kind
        finalizers: list[str] = meta.get("finalizers") or []
        if meta.get("deletionTimestamp"):
            if kind.finalizer in finalizers:
                # Without a spec, nothing was ever done for it, and nothing must keep it here.
                if report.obj.get("spec"):
                    await kind.finalize(self._parse(report.obj), report)
                await report.set_finalizers([name for name in finalizers if name != kind.finalizer])
            return Next("success", gone=True)
        if kind.is_static(report.obj):
            await self._let_go(report, finalizers)
            return Next("success")
        if kind.finalizer not in finalizers:
            await report.set_finalizers([*finalizers, kind.finalizer])
        if (report.obj.get("spec") or {}).get("suspend"):
            log.info(kind.suspended_message)
            if kind.acknowledges_while_suspended:
                settle_suspended(report, kind.summary)
            return Next("success")
        return self._succeeded(report, await kind.reconcile(self._parse(report.obj), report))

    async def _let_go(self, report: Report, finalizers: list[str]) -> None:
        """Undo what was done for an object that needs nothing any more; a suspended one stays as it is."""
        if (report.obj.get("spec") or {}).get("suspend"):
            return
        if self._kind.finalizer in finalizers:
            await self._kind.finalize(self._parse(report.obj), report)
            await report.set_finalizers([name for name in finalizers if name != self._kind.finalizer])
        report.status.clear()
        report.conditions.delete(*(item.type for item in report.conditions))

    def _parse(self, obj: Object) -> T:
        try:
            return self._kind.parse(obj)
        except (KeyError, TypeError, ValueError) as error:
            what = f"missing field {error}" if isinstance(error, KeyError) else str(error)
            raise InvalidSpec(f"invalid {self._kind.resource.kind}: {what}") from error

    def _succeeded(self, report: Report, outcome: Outcome) -> Next:
        match outcome:
            case Pending(again_in):
                settle_pending(report)
                return Next("requeue_after", after=again_in)
            case Done(again_in):
                disagreement = settle_done(report, self._kind.summary)
                if disagreement is not None:
                    log.error("not ready after success", error=disagreement)
                    return Next("error", failed=True)
                return Next("requeue_after" if again_in else "success", after=again_in, jittered=True)

    def _failed(self, report: Report, failure: Failure) -> Next:
        if not report.obj["metadata"].get("deletionTimestamp"):
            settle_failure(report, failure, self._kind.summary)
        match failure:
            case Stalled():
                log.error("stalled", reason=failure.reason, error=failure.message)
                self._announce(report, EventType.WARNING, failure, failure.message)
                return Next("error", terminal=True)
            case Waiting():
                log.info("waiting", reason=failure.reason, message=failure.message)
                self._announce(report, EventType.NORMAL, failure, failure.event)
                return Next("requeue_after", after=failure.retry_in)
        log.error("reconciliation failed", reason=failure.reason, error=failure.message)
        self._announce(report, EventType.WARNING, failure, failure.message)
        if failure.retry_in is not None:
            return Next("requeue_after", after=failure.retry_in)
        return Next("error", failed=True)

    def _announce(self, report: Report, kind: EventType, failure: Failure, message: str) -> None:
        if not failure.quiet:
            report.tell(kind, failure.reason, message, failure.metadata)

    async def _vanished(self, report: Report) -> bool:
        found = await self._writer.client.find(self._kind.resource, report.key.namespace, report.key.name)
        return found is None
