"""The metrics dashboards of Flux and controller-runtime know, under the same names (specs/runtime.md 6.2)."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.platform_collector import PlatformCollector

# Ten exponential buckets from 10 ms to 30 minutes, as gotk's.
_RECONCILE_BUCKETS = tuple(0.01 * (180_000 ** (step / 9)) for step in range(10))
_QUEUE_BUCKETS = (0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60, 300)


class Metrics:
    """One registry a process; methods take plain values so that nobody else knows the library."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._duration = Histogram(
            "gotk_reconcile_duration_seconds",
            "The duration in seconds of a GitOps Toolkit resource reconciliation.",
            ["kind", "name", "namespace"],
            buckets=_RECONCILE_BUCKETS,
            registry=self.registry,
        )
        self._total = self._counter(
            "controller_runtime_reconcile_total", "Total number of reconciliations.", "controller", "result"
        )
        self._errors = self._counter(
            "controller_runtime_reconcile_errors_total",
            "Total number of reconciliation errors.",
            "controller",
        )
        self._time = Histogram(
            "controller_runtime_reconcile_time_seconds",
            "Length of time per reconciliation.",
            ["controller"],
            buckets=_RECONCILE_BUCKETS,
            registry=self.registry,
        )
        self._active = self._gauge(
            "controller_runtime_active_workers", "Number of currently used workers.", "controller"
        )
        self._workers = self._gauge(
            "controller_runtime_max_concurrent_reconciles",
            "Maximum number of concurrent reconciles.",
            "controller",
        )
        self._depth = self._gauge("workqueue_depth", "Current depth of workqueue.", "name")
        self._adds = self._counter(
            "workqueue_adds_total", "Total number of adds handled by workqueue.", "name"
        )
        self._retries = self._counter(
            "workqueue_retries_total", "Total number of retries handled by workqueue.", "name"
        )
        self._waited = Histogram(
            "workqueue_queue_duration_seconds",
            "How long in seconds an item stays in workqueue before being requested.",
            ["name"],
            buckets=_QUEUE_BUCKETS,
            registry=self.registry,
        )
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

    def forget(self, kind: str, namespace: str, name: str) -> None:
        """The object is gone: its series go too."""
        try:
            self._duration.remove(kind, name, namespace)
        except KeyError:
            return

    def working(self, kind: str, change: int) -> None:
        self._active.labels(kind.lower()).inc(change)

    def workers(self, kind: str, count: int) -> None:
        self._workers.labels(kind.lower()).set(count)

    def queued(self, kind: str, depth: int, waited: float) -> None:
        """One item was taken after `waited` seconds and left `depth` others."""
        name = kind.lower()
        self._depth.labels(name).set(depth)
        self._adds.labels(name).inc()
        self._waited.labels(name).observe(waited)

    def retried(self, kind: str) -> None:
        self._retries.labels(kind.lower()).inc()

    def leading(self, lease: str, *, leader: bool) -> None:
        self._leader.labels(lease).set(1 if leader else 0)

    def request_observer(self, host: str) -> Callable[[str, int], None]:
        """Counts requests to that API server."""

        def observe(method: str, status: int) -> None:
            self._requests.labels(str(status) if status else "<error>", host, method).inc()

        return observe

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name.removesuffix("_total"), text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)


def peak_rss_bytes() -> int:
    """The largest resident set this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
