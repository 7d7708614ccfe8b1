"""Tables of pods and of what makes pods."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from localcluster.clock import now, parse
from localcluster.present.age import age_of, human_duration, since
from localcluster.present.cells import (
    NONE,
    Columns,
    at,
    column,
    columns,
    labels_text,
    number,
    selector_text,
    shown,
    text,
    wide,
)
from localcluster.store.revision import Obj

AGE = text("Age", age_of)


def _pod_spec(obj: Obj) -> dict[str, Any]:
    spec = obj.get("spec") or {}
    job: dict[str, Any] = (spec.get("jobTemplate") or {}).get("spec") or spec
    template: dict[str, Any] = job.get("template") or obj.get("template") or {}
    found: dict[str, Any] = template.get("spec") or {}
    return found


def _container_names(obj: Obj) -> str:
    return ",".join(each["name"] for each in _pod_spec(obj).get("containers") or ())


def _images(obj: Obj) -> str:
    return ",".join(each.get("image", "") for each in _pod_spec(obj).get("containers") or ())


def _selector(obj: Obj) -> str:
    return selector_text((obj.get("spec") or {}).get("selector"))


_WIDE = (wide("Containers", _container_names), wide("Images", _images))
_SELECTOR = wide("Selector", _selector)


def _statuses(obj: Obj) -> list[dict[str, Any]]:
    return (obj.get("status") or {}).get("containerStatuses") or []


def _pod_ready(obj: Obj) -> str:
    ready = sum(1 for each in _statuses(obj) if each.get("ready"))
    return f"{ready}/{len(obj['spec'].get('containers') or ())}"


def _pod_status(obj: Obj) -> str:
    """The phase, or what is wrong with a container where something is."""
    status = obj.get("status") or {}
    shown_as = status.get("reason") or status.get("phase") or ""
    for each in reversed(_statuses(obj)):
        state = each.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            shown_as = waiting["reason"]
        elif terminated is not None:
            signal = terminated.get("signal")
            ended = f"Signal:{signal}" if signal else f"ExitCode:{terminated.get('exitCode', 0)}"
            shown_as = terminated.get("reason") or ended
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    gated = conditions.get("PodScheduled") or {}
    if gated.get("reason") == "SchedulingGated":
        shown_as = "SchedulingGated"
    if "deletionTimestamp" in obj["metadata"]:
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(shown_as)


def _restarts(obj: Obj) -> str:
    count = sum(each.get("restartCount", 0) for each in _statuses(obj))
    ended = [
        (((each.get("lastState") or {}).get("terminated")) or {}).get("finishedAt") for each in _statuses(obj)
    ]
    last = max((each for each in ended if each), default=None)
    return f"{count} ({since(last)} ago)" if count and last else str(count)


def _readiness_gates(obj: Obj) -> str:
    gates = obj["spec"].get("readinessGates") or ()
    if not gates:
        return NONE
    conditions = (obj.get("status") or {}).get("conditions") or ()
    true = {each["type"] for each in conditions if each["status"] == "True"}
    return f"{sum(1 for gate in gates if gate['conditionType'] in true)}/{len(gates)}"


def _completions(obj: Obj) -> str:
    spec, done = obj["spec"], (obj.get("status") or {}).get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallel = spec.get("parallelism", 0)
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _job_status(obj: Obj) -> str:
    conditions = {each["type"]: each["status"] for each in (obj.get("status") or {}).get("conditions") or ()}
    for kind, shown_as in (("Complete", "Complete"), ("Failed", "Failed")):
        if conditions.get(kind) == "True":
            return shown_as
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    for kind, shown_as in (("Suspended", "Suspended"), ("FailureTarget", "FailureTarget")):
        if conditions.get(kind) == "True":
            return shown_as
    return "SuccessCriteriaMet" if conditions.get("SuccessCriteriaMet") == "True" else "Running"


def _duration(obj: Obj) -> str:
    status = obj.get("status") or {}
    began = parse(status["startTime"]) if status.get("startTime") else None
    if began is None:
        return ""
    ended: datetime | None = parse(status["completionTime"]) if status.get("completionTime") else None
    return human_duration(int(((ended or now()) - began).total_seconds()))


def _last_schedule(obj: Obj) -> str:
    last = (obj.get("status") or {}).get("lastScheduleTime")
    return since(last) if last else NONE


def _ready_of_wanted(obj: Obj) -> str:
    return f"{(obj.get('status') or {}).get('readyReplicas', 0)}/{obj['spec'].get('replicas', 0)}"


def _revision_owner(obj: Obj) -> str:
    owners = obj["metadata"].get("ownerReferences") or ()
    owner = next((each for each in owners if each.get("controller")), None)
    if owner is None:
        return NONE
    group = owner["apiVersion"].rpartition("/")[0]
    kind = owner["kind"].lower()
    return f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"


_REPLICAS = (
    number("Desired", at("spec.replicas", 0)),
    number("Current", at("status.replicas", 0)),
    number("Ready", at("status.readyReplicas", 0)),
    AGE,
    *_WIDE,
)

COLUMNS: dict[tuple[str, str], Columns] = {
    ("", "Pod"): columns(
        text("Ready", _pod_ready),
        text("Status", _pod_status),
        text("Restarts", _restarts),
        AGE,
        wide("IP", shown("status.podIP")),
        wide("Node", shown("spec.nodeName")),
        wide("Nominated Node", shown("status.nominatedNodeName")),
        wide("Readiness Gates", _readiness_gates),
    ),
    ("", "PodTemplate"): columns(
        text("Containers", _container_names),
        text("Images", _images),
        text(
            "Pod Labels",
            lambda obj: labels_text(((obj.get("template") or {}).get("metadata") or {}).get("labels")),
        ),
    ),
    ("", "ReplicationController"): columns(
        *_REPLICAS, wide("Selector", lambda obj: labels_text((obj.get("spec") or {}).get("selector")))
    ),
    ("apps", "ReplicaSet"): columns(*_REPLICAS, _SELECTOR),
    ("apps", "Deployment"): columns(
        text("Ready", _ready_of_wanted),
        text("Up-to-date", at("status.updatedReplicas", 0)),
        text("Available", at("status.availableReplicas", 0)),
        AGE,
        *_WIDE,
        _SELECTOR,
    ),
    ("apps", "StatefulSet"): columns(text("Ready", _ready_of_wanted), AGE, *_WIDE),
    ("apps", "DaemonSet"): columns(
        number("Desired", at("status.desiredNumberScheduled", 0)),
        number("Current", at("status.currentNumberScheduled", 0)),
        number("Ready", at("status.numberReady", 0)),
        number("Up-to-date", at("status.updatedNumberScheduled", 0)),
        number("Available", at("status.numberAvailable", 0)),
        text("Node Selector", lambda obj: labels_text(_pod_spec(obj).get("nodeSelector"))),
        AGE,
        *_WIDE,
        _SELECTOR,
    ),
    ("apps", "ControllerRevision"): columns(
        text("Controller", _revision_owner), text("Revision", at("revision", 0)), AGE
    ),
    ("batch", "Job"): columns(
        text("Status", _job_status),
        text("Completions", _completions),
        text("Duration", _duration),
        AGE,
        *_WIDE,
        _SELECTOR,
    ),
    ("batch", "CronJob"): columns(
        text("Schedule", at("spec.schedule")),
        text("Timezone", shown("spec.timeZone")),
        column("Suspend", "boolean", 0, lambda obj: "True" if obj["spec"].get("suspend") else "False"),
        number("Active", lambda obj: len((obj.get("status") or {}).get("active") or ())),
        text("Last Schedule", _last_schedule),
        AGE,
        *_WIDE,
        _SELECTOR,
    ),
}
