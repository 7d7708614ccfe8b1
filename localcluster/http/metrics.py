"""/metrics: how many requests were answered how, and how much is stored."""

from __future__ import annotations

from collections import Counter

from localcluster.store.store import Store


class RequestMetrics:
    """Counts answers by method and status code."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, int]] = Counter()

    def count(self, method: str, code: int) -> None:
        self._answers[method, code] += 1

    def render(self, store: Store) -> str:
        """The Prometheus text format."""
        lines = [
            "# HELP apiserver_request_total Requests answered, by verb and status code.",
            "# TYPE apiserver_request_total counter",
        ]
        for (method, code), count in sorted(self._answers.items()):
            lines.append(f'apiserver_request_total{{verb="{method}",code="{code}"}} {count}')
        lines.append("# HELP apiserver_storage_objects Objects stored, by resource.")
        lines.append("# TYPE apiserver_storage_objects gauge")
        for name, collection in sorted(store.collections(), key=lambda pair: pair[0]):
            lines.append(f'apiserver_storage_objects{{resource="{name}"}} {len(collection.objects)}')
        return "\n".join(lines) + "\n"
