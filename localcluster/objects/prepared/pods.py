"""The first status of a pod, its quality of service, and the fields that built-in admission fills in."""

from __future__ import annotations

from typing import Any

from localcluster.objects import quantity

Json = dict[str, Any]

_NOT_READY, _UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
_TOLERATION_SECONDS = 300


def prepare_create(obj: Json) -> None:
    obj["status"] = {"phase": "Pending", "qosClass": quality(obj["spec"])}
    if obj["spec"].get("schedulingGates"):
        obj["status"]["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
                "lastProbeTime": None,
                "lastTransitionTime": None,
            }
        ]


def admit(obj: Json) -> None:
    """What the admission plugins for tolerations and priorities set on a new pod, in place.

    The service account's part needs other objects and belongs to the server.
    """
    spec = obj["spec"]
    tolerations = list(spec.get("tolerations") or ())
    for key in (_NOT_READY, _UNREACHABLE):
        if not any(_tolerates(one, key) for one in tolerations):
            tolerations.append(
                {
                    "key": key,
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": _TOLERATION_SECONDS,
                }
            )
    spec["tolerations"] = tolerations
    if not spec.get("priorityClassName"):
        spec.setdefault("priority", 0)
        spec.setdefault("preemptionPolicy", "PreemptLowerPriority")


def _tolerates(toleration: Json, key: str) -> bool:
    return toleration.get("key", "") in {key, ""} and toleration.get("effect", "") in {"NoExecute", ""}


def quality(spec: Json) -> str:
    """BestEffort, Burstable or Guaranteed, from the requests and limits of cpu and memory."""
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    anything = False
    guaranteed = True
    for container in containers:
        resources = container.get("resources") or {}
        limits, requests = _amounts(resources.get("limits")), _amounts(resources.get("requests"))
        anything = anything or bool(limits or requests)
        if set(limits) != {"cpu", "memory"} or any(requests.get(k, v) != v for k, v in limits.items()):
            guaranteed = False
    if not anything:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def _amounts(resources: Any) -> dict[str, Any]:
    found = {}
    for name in ("cpu", "memory"):
        text = (resources or {}).get(name)
        if text is None:
            continue
        try:
            amount = quantity.parse(str(text)).value
        except quantity.BadQuantity:
            continue
        if amount > 0:
            found[name] = amount
    return found
