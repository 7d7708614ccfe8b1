"""The status of a simulated pod in each state of its life, as a kubelet would report it. No I/O."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

from localcluster.clock import stamp
from localcluster.controllers.conditions import put
from localcluster.store.revision import Obj

NODE_ADDRESS = "192.0.2.10"
CRASHES = 5
"""Restarts that a pod in a crash loop shows."""


class State(Enum):
    """Where a pod is in its life; the last two are its ends."""

    CREATING = "ContainerCreating"
    PULLING = "ImagePullBackOff"
    RUNNING = "Running"
    UNREADY = "Unready"
    CRASHING = "CrashLoopBackOff"
    SUCCEEDED = "Completed"
    FAILED = "Error"


@dataclass(frozen=True, slots=True)
class Report:
    """What to report: `restarts` of each container, and the pod's address."""

    state: State
    address: str
    restarts: int = 0


_PHASES = {
    State.CREATING: "Pending",
    State.PULLING: "Pending",
    State.SUCCEEDED: "Succeeded",
    State.FAILED: "Failed",
}
_STARTED = frozenset({State.RUNNING, State.UNREADY, State.CRASHING, State.SUCCEEDED, State.FAILED})


def status_of(pod: Obj, report: Report) -> Obj:
    """The whole status of a pod on the simulated node; what it already holds is kept where it still holds."""
    before = pod.get("status") or {}
    status: Obj = {
        **before,
        "phase": _PHASES.get(report.state, "Running"),
        "conditions": _conditions(pod, before, report.state),
        "hostIP": NODE_ADDRESS,
        "hostIPs": [{"ip": NODE_ADDRESS}],
        "startTime": before.get("startTime") or stamp(),
    }
    if report.state in _STARTED:
        status["podIP"] = report.address
        status["podIPs"] = [{"ip": report.address}]
    if pod["metadata"].get("generation"):
        status["observedGeneration"] = pod["metadata"]["generation"]
    spec = pod["spec"]
    if spec.get("initContainers"):
        status["initContainerStatuses"] = _init_containers(pod, before, report)
    status["containerStatuses"] = [
        _container(each, _present(before, "containerStatuses", each["name"]), pod, report)
        for each in spec["containers"]
    ]
    return status


def _conditions(pod: Obj, before: Obj, state: State) -> list[Obj]:
    conditions: list[Obj] = [dict(each) for each in before.get("conditions") or ()]
    generation = pod["metadata"].get("generation")
    reason = _why_not_ready(pod, state)
    gates = _closed_gates(pod, conditions)
    started = state in _STARTED
    ended = state in (State.SUCCEEDED, State.FAILED)
    for kind, holds, why in (
        ("PodReadyToStartContainers", started and not ended, None),
        ("Initialized", started or not pod["spec"].get("initContainers"), ("ContainersNotInitialized", "")),
        ("Ready", state is State.RUNNING and not gates, gates or reason),
        ("ContainersReady", state is State.RUNNING, reason),
        ("PodScheduled", True, None),
    ):
        condition: Obj = {"type": kind, "status": "True" if holds else "False", "lastProbeTime": None}
        if kind == "Initialized" and state is State.SUCCEEDED:
            condition["reason"] = "PodCompleted"
        if not holds and why is not None:
            condition["reason"], message = why
            if message:
                condition["message"] = message
        if generation:
            condition["observedGeneration"] = generation
        put(conditions, condition)
    return conditions


def _why_not_ready(pod: Obj, state: State) -> tuple[str, str]:
    if state is State.SUCCEEDED:
        return "PodCompleted", ""
    if state is State.FAILED:
        return "PodFailed", ""
    names = " ".join(each["name"] for each in pod["spec"]["containers"])
    return "ContainersNotReady", f"containers with unready status: [{names}]"


def _closed_gates(pod: Obj, conditions: list[Obj]) -> tuple[str, str] | None:
    true = {each["type"] for each in conditions if each["status"] == "True"}
    for gate in pod["spec"].get("readinessGates") or ():
        name = gate["conditionType"]
        if name not in true:
            message = f'the status of pod readiness gate "{name}" is not "True", but False'
            return "ReadinessGatesNotReady", message
    return None


def _present(status: Obj, field: str, name: str) -> Obj:
    return next((each for each in status.get(field) or () if each["name"] == name), {})


def _container(container: Obj, before: Obj, pod: Obj, report: Report) -> Obj:
    state = report.state
    found: Obj = {
        "name": container["name"],
        "state": _container_state(container, before, pod, report),
        "lastState": {},
        "ready": state is State.RUNNING,
        "restartCount": report.restarts,
        "image": container.get("image", ""),
        "imageID": "",
        "started": state in (State.RUNNING, State.UNREADY),
    }
    if state in _STARTED:
        found["imageID"] = _image_id(container)
        found["containerID"] = _container_id(container, pod, report.restarts)
    if state is State.CRASHING:
        found["lastState"] = {"terminated": _terminated(before, 1, "Error", found["containerID"])}
    return found


def _container_state(container: Obj, before: Obj, pod: Obj, report: Report) -> Obj:
    state, name = report.state, container["name"]
    if state in (State.RUNNING, State.UNREADY):
        running = (before.get("state") or {}).get("running") or {"startedAt": stamp()}
        return {"running": running}
    if state in (State.SUCCEEDED, State.FAILED):
        code, reason = (0, "Completed") if state is State.SUCCEEDED else (1, "Error")
        known = (before.get("state") or {}).get("terminated")
        identity = _container_id(container, pod, report.restarts)
        return {"terminated": known or _terminated(before, code, reason, identity)}
    message = None
    if state is State.PULLING:
        message = f'Back-off pulling image "{container.get("image", "")}"'
    elif state is State.CRASHING:
        metadata = pod["metadata"]
        whole = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        message = f"back-off 2m40s restarting failed container={name} pod={whole}"
    waiting = {"reason": state.value}
    if message:
        waiting["message"] = message
    return {"waiting": waiting}


def _terminated(before: Obj, code: int, reason: str, identity: str) -> Obj:
    known = (before.get("lastState") or {}).get("terminated")
    if known:
        return dict(known)
    started = ((before.get("state") or {}).get("running") or {}).get("startedAt") or stamp()
    return {
        "exitCode": code,
        "reason": reason,
        "startedAt": started,
        "finishedAt": stamp(),
        "containerID": identity,
    }


def _init_containers(pod: Obj, before: Obj, report: Report) -> list[Obj]:
    """Those before the containers: done once these run, waiting until then; sidecars run beside them."""
    done = Report(State.SUCCEEDED, report.address)
    waiting = Report(State.CREATING, report.address)
    found = []
    for container in pod["spec"]["initContainers"]:
        sidecar = container.get("restartPolicy") == "Always"
        present = _present(before, "initContainerStatuses", container["name"])
        if report.state not in _STARTED:
            status = _container(container, present, pod, waiting)
            if report.state is not State.PULLING:
                status["state"] = {"waiting": {"reason": "PodInitializing"}}
        elif sidecar:
            ended = report.state in (State.SUCCEEDED, State.FAILED)
            status = _container(container, present, pod, done if ended else Report(State.RUNNING, ""))
        else:
            status = _container(container, present, pod, done)
            status["ready"] = True
        found.append(status)
    return found


def _image_id(container: Obj) -> str:
    image = container.get("image", "")
    return f"{image.partition('@')[0]}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def _container_id(container: Obj, pod: Obj, restarts: int) -> str:
    identity = f"{pod['metadata']['uid']}/{container['name']}/{restarts}"
    return f"containerd://{hashlib.sha256(identity.encode()).hexdigest()}"
