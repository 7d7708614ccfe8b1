"""The metric of the index cache, under the name that dashboards of Flux know (spec source 11.7)."""

from prometheus_client import CollectorRegistry, Counter

from shared.model.meta import ObjectKey


class CacheMeasures:
    """Look-ups of charts while the cache is on."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter(
            "gotk_cache_events_total",
            "Total number of cache retrieval events for a Gitops Toolkit resource reconciliation.",
            ["event_type", "name", "namespace"],
            registry=registry,
        )

    def count(self, event: str, chart: ObjectKey) -> None:
        self._events.labels(event, chart.name, chart.namespace).inc()

    def forget(self, chart: ObjectKey) -> None:
        for event in ("cache_hit", "cache_miss"):
            try:
                self._events.remove(event, chart.name, chart.namespace)
            except KeyError:
                continue
