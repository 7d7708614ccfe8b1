"""Which built-in resources are kept in another form than the one served, and how one becomes the other."""

from __future__ import annotations

from collections.abc import Callable

from localcluster.conversion import autoscalers, events
from localcluster.resources.resource import Resource
from localcluster.store.revision import Obj

Convert = Callable[[Obj], Obj]

# (group, version, kind) -> to the form kept, from it
_FORMS: dict[tuple[str, str, str], tuple[Convert, Convert]] = {
    ("events.k8s.io", "v1", "Event"): (events.to_core, events.from_core),
    ("autoscaling", "v1", "HorizontalPodAutoscaler"): (autoscalers.to_v2, autoscalers.to_v1),
}
KEPT_AS = {
    ("events.k8s.io", "v1", "Event"): ("", "v1", "Event"),
    ("autoscaling", "v1", "HorizontalPodAutoscaler"): ("autoscaling", "v2", "HorizontalPodAutoscaler"),
}


def form_of(resource: Resource) -> tuple[Convert, Convert] | None:
    """How to convert to and from what is kept; None where the form served is the one kept."""
    return _FORMS.get((resource.group, resource.version, resource.kind))
