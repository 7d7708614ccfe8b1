"""Metrics of the two HTTP servers and of deliveries (specs/notification.md 16)."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.model.meta import ObjectKey

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Measures:
    """`with_paths` labels requests with their path, which costs a series for each webhook."""

    def __init__(self, registry: CollectorRegistry, *, with_paths: bool) -> None:
        self._with_paths = with_paths
        self._requests = {
            server: Histogram(
                f"gotk_{server}_http_request_duration_seconds",
                f"The latency of the HTTP requests to the {server} server.",
                ["handler", "method", "code"],
                buckets=_BUCKETS,
                registry=registry,
            )
            for server in ("event", "receiver")
        }
        self._notifications = Counter(
            "headwater_notifications",
            "Notifications by provider and result: delivered, retried or lost.",
            ["namespace", "name", "result"],
            registry=registry,
        )
        self._waiting = Gauge(
            "headwater_notifications_waiting", "Notifications that are not delivered yet.", registry=registry
        )

    def answered(self, server: str, path: str, method: str, status: int, seconds: float) -> None:
        handler = path if self._with_paths else ""
        known = method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} else "other"
        self._requests[server].labels(handler, known, str(status)).observe(seconds)

    def notified(self, provider: ObjectKey, result: str) -> None:
        self._notifications.labels(provider.namespace, provider.name, result).inc()

    def watch(self, waiting: Callable[[], int]) -> None:
        """Ask for the length of the queues whenever metrics are read."""
        self._waiting.set_function(waiting)
