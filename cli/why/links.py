"""What one object says of itself, and which of several is the root cause: decisions, no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

from shared.model.meta import ObjectRef

_CREATING = frozenset({"", "ContainerCreating", "PodInitializing"})


class Mark(StrEnum):
    """The state of a link."""

    GOOD = "good"
    WAITING = "waiting"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Link:
    """One object of the chain, as `Kind/namespace/name`, and what is the matter with it."""

    subject: str
    mark: Mark
    message: str

    def render(self) -> dict[str, str]:
        return {"object": self.subject, "state": self.mark.value, "message": self.message}


def root_cause(links: Sequence[Link]) -> Link | None:
    """The first broken link from the source downwards, else the first that waits; None when all is well."""
    for mark in (Mark.BROKEN, Mark.WAITING):
        found = next((link for link in links if link.mark is mark), None)
        if found is not None:
            return found
    return None


def missing(subject: str) -> Link:
    return Link(subject, Mark.BROKEN, "does not exist")


def judge(obj: Mapping[str, Any]) -> Link:
    """A link for an object of the toolkit, a pod, a workload, or anything else, which is good by existing."""
    subject = str(ObjectRef.of(obj))
    if "toolkit.fluxcd.io/" in obj["apiVersion"]:
        mark, message = _toolkit(obj)
    elif obj["kind"] == "Pod":
        mark, message = _pod(obj)
    else:
        mark, message = _workload(obj)
    return Link(subject, mark, message)


def _toolkit(obj: Mapping[str, Any]) -> tuple[Mark, str]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if spec.get("suspend"):
        return Mark.BROKEN, "suspended: nothing is reconciled until it is resumed"
    if obj["kind"] == "HelmRepository" and spec.get("type") == "oci":
        return Mark.GOOD, "needs no reconciliation"
    conditions = {str(each.get("type")): each for each in status.get("conditions") or ()}
    stalled, ready = conditions.get("Stalled", {}), conditions.get("Ready", {})
    if stalled.get("status") == "True":
        return Mark.BROKEN, _said(stalled)
    if not ready:
        return Mark.WAITING, "no controller has reconciled it yet"
    if ready.get("status") == "False":
        waits = ready.get("reason") == "DependencyNotReady"
        return (Mark.WAITING if waits else Mark.BROKEN), _said(ready)
    if ready.get("status") != "True":
        return Mark.WAITING, _said(ready)
    if status.get("observedGeneration", 0) < obj["metadata"].get("generation", 0):
        return Mark.WAITING, "its latest change is not reconciled yet"
    return Mark.GOOD, str(ready.get("message") or "ready")


def _pod(obj: Mapping[str, Any]) -> tuple[Mark, str]:
    status = obj.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return Mark.BROKEN, _said(condition)
    for container in chain(status.get("initContainerStatuses") or (), status.get("containerStatuses") or ()):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason", "") not in _CREATING:
            ended = (container.get("lastState") or {}).get("terminated") or {}
            code = f" (last exit status {ended['exitCode']})" if "exitCode" in ended else ""
            return Mark.BROKEN, f"container {container.get('name')}: {_said(waiting)}{code}"
    phase = str(status.get("phase") or "Pending")
    if phase == "Failed":
        return Mark.BROKEN, _said({"reason": "Failed", **status})
    ready = any(
        each.get("type") == "Ready" and each.get("status") == "True"
        for each in status.get("conditions") or ()
    )
    good = phase == "Succeeded" or (phase == "Running" and ready)
    return (Mark.GOOD, phase) if good else (Mark.WAITING, f"{phase}, not ready")


def _workload(obj: Mapping[str, Any]) -> tuple[Mark, str]:
    status = obj.get("status") or {}
    for condition in status.get("conditions") or ():
        kind, state = condition.get("type"), condition.get("status")
        if (kind, state) in {("ReplicaFailure", "True"), ("Progressing", "False"), ("Failed", "True")}:
            return Mark.BROKEN, _said(condition)
    if obj["kind"] in ("Deployment", "StatefulSet"):
        wanted = (obj.get("spec") or {}).get("replicas", 1)
        ready = status.get("readyReplicas") or 0
        return (Mark.GOOD if ready >= wanted else Mark.WAITING), f"{ready} of {wanted} replicas ready"
    if obj["kind"] == "PersistentVolumeClaim" and status.get("phase") == "Pending":
        return Mark.WAITING, "the volume claim is not bound"
    return Mark.GOOD, "exists"


def _said(words: Mapping[str, Any]) -> str:
    parts: Iterator[str] = (str(words.get(key) or "").strip() for key in ("reason", "message"))
    return " ".join(": ".join(part for part in parts if part).split())[:1000]
