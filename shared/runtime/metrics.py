"""The metrics dashboards of Flux and controller-runtime know, under the same names (specs/runtime.md 6.2)."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.platform_collector import PlatformCollector

# Ten exponential buckets from 10 ms to 30 minutes, as gotk's.
_DURATION_BUCKETS = tuple(0.01 * (180_000 ** (step / 9)) for step in range(10))
# controller-runtime's, in seconds.
_TIME_BUCKETS = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    *(1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60),
)
# The work queue's: from 10 ns to 1,000 s.
_QUEUE_BUCKETS = tuple(10.0**exponent for exponent in range(-8, 4))
_RESULTS = ("success", "error", "requeue", "requeue_after")


class _QueueState(Protocol):
    @property
    def depth(self) -> int: ...
    @property
    def unfinished(self) -> float: ...
    @property
    def longest(self) -> float: ...


class Metrics:
    """One registry a process; methods take plain values so that nobody else knows the library.

    `kind` is an object's kind; controllers and queues are named by it in lower case.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._queues: dict[str, Callable[[], _QueueState]] = {}
        self._add_reconciles()
        self._add_queue()
        self._requests = self._counter(
            "rest_client_requests_total",
            "Number of HTTP requests by status code and method.",
            "code",
            "host",
            "method",
        )
        self._leader = self._gauge(
            "leader_election_master_status", "1 while this process is the leader for the lease.", "name"
        )

    def refresh(self) -> None:
        """Bring what is read and not counted up to date. Call it in the event loop, before `render`."""
        for name, read in self._queues.items():
            state = read()
            self._depth.labels(name).set(state.depth)
            self._unfinished.labels(name).set(state.unfinished)
            self._longest.labels(name).set(state.longest)

    def render(self) -> bytes:
        """The text exposition; slow for thousands of objects, so call it in a thread."""
        return generate_latest(self.registry)

    def reconciled(self, kind: str, namespace: str, name: str, *, result: str, seconds: float) -> None:
        self._duration.labels(kind, name, namespace).observe(seconds)
        controller = kind.lower()
        self._total.labels(controller, result).inc()
        self._time.labels(controller).observe(seconds)
        if result == "error":
            self._errors.labels(controller).inc()

    def failed(self, kind: str, *, terminal: bool, bug: bool) -> None:
        """`terminal`: only a person can mend it. `bug`: ours, where a Go program would have panicked."""
        if terminal:
            self._terminal.labels(kind.lower()).inc()
        if bug:
            self._panics.labels(kind.lower()).inc()

    def forget(self, kind: str, namespace: str, name: str) -> None:
        """The object is gone: its series go too."""
        try:
            self._duration.remove(kind, name, namespace)
        except KeyError:
            return

    def working(self, kind: str, change: int) -> None:
        self._active.labels(kind.lower()).inc(change)

    def workers(self, kind: str, count: int) -> None:
        """The controller starts: rates need its counters from zero on."""
        controller = kind.lower()
        self._workers.labels(controller).set(count)
        for counter in (self._errors, self._terminal, self._panics):
            counter.labels(controller)
        for result in _RESULTS:
            self._total.labels(controller, result)

    def follow_queue(self, kind: str, read: Callable[[], _QueueState]) -> None:
        """Show the state of that queue, as `read` gives it, from now on."""
        name = kind.lower()
        self._queues[name] = read
        for counter in (self._adds, self._retries):
            counter.labels(name)

    def added(self, kind: str) -> None:
        self._adds.labels(kind.lower()).inc()

    def taken(self, kind: str, waited: float) -> None:
        """A worker took a key that had waited for so many seconds."""
        self._waited.labels(kind.lower()).observe(waited)

    def worked(self, kind: str, seconds: float) -> None:
        """A worker is done with a key that was in its hand for so long."""
        self._worked.labels(kind.lower()).observe(seconds)

    def retried(self, kind: str) -> None:
        self._retries.labels(kind.lower()).inc()

    def leading(self, lease: str, *, leader: bool) -> None:
        self._leader.labels(lease).set(1 if leader else 0)

    def request_observer(self, host: str) -> Callable[[str, int], None]:
        """Counts requests to that API server."""

        def observe(method: str, status: int) -> None:
            self._requests.labels(str(status) if status else "<error>", host, method).inc()

        return observe

    def _add_reconciles(self) -> None:
        self._duration = self._histogram(
            "gotk_reconcile_duration_seconds",
            "The duration in seconds of a GitOps Toolkit resource reconciliation.",
            *("kind", "name", "namespace"),
            buckets=_DURATION_BUCKETS,
        )
        prefix = "controller_runtime"
        self._total = self._counter(
            f"{prefix}_reconcile_total", "Total number of reconciliations.", "controller", "result"
        )
        self._errors = self._counter(
            f"{prefix}_reconcile_errors_total", "Total number of reconciliation errors.", "controller"
        )
        self._terminal = self._counter(
            f"{prefix}_terminal_reconcile_errors_total",
            "Total number of reconciliation errors that are not retried.",
            "controller",
        )
        self._panics = self._counter(
            f"{prefix}_reconcile_panics_total", "Total number of bugs met while reconciling.", "controller"
        )
        self._time = self._histogram(
            f"{prefix}_reconcile_time_seconds",
            "Length of time per reconciliation.",
            "controller",
            buckets=_TIME_BUCKETS,
        )
        self._active = self._gauge(
            f"{prefix}_active_workers", "Number of currently used workers.", "controller"
        )
        self._workers = self._gauge(
            f"{prefix}_max_concurrent_reconciles", "Maximum number of concurrent reconciles.", "controller"
        )

    def _add_queue(self) -> None:
        self._depth = self._gauge("workqueue_depth", "Current depth of workqueue.", "name")
        self._unfinished = self._gauge(
            "workqueue_unfinished_work_seconds", "Seconds of work in progress, all workers together.", "name"
        )
        self._longest = self._gauge(
            "workqueue_longest_running_processor_seconds",
            "Seconds that the longest of the items in progress has taken so far.",
            "name",
        )
        self._adds = self._counter(
            "workqueue_adds_total", "Total number of adds handled by workqueue.", "name"
        )
        self._retries = self._counter(
            "workqueue_retries_total", "Total number of retries handled by workqueue.", "name"
        )
        self._waited = self._histogram(
            "workqueue_queue_duration_seconds",
            "How long in seconds an item stays in workqueue before being requested.",
            "name",
            buckets=_QUEUE_BUCKETS,
        )
        self._worked = self._histogram(
            "workqueue_work_duration_seconds",
            "How long in seconds processing an item from workqueue takes.",
            "name",
            buckets=_QUEUE_BUCKETS,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name.removesuffix("_total"), text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)


def peak_rss_bytes() -> int:
    """The largest resident set this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
