"""Why a hook did not end well, from its Job and its Pods: what a person would look up first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controllers.helm.actions.objects import Placed
from controllers.helm.actions.readers import JOB, POD
from controllers.helm.actions.toolbox import Tools
from shared.kube.errors import KubeError
from shared.logic.kstatus.fields import condition, field, objects, text
from shared.logic.label_selector import render_match_labels
from shared.model.kinds import Resource
from shared.model.meta import Object

_PODS = Resource("", "v1", "Pod", "pods")
_MOST_PODS = 3
_LONGEST = 300


async def explain(tools: Tools, hooks: Sequence[Placed], *, told: str) -> list[str]:
    """One sentence for each Job and Pod that says more than what is `told` already. Never raises."""
    sentences: list[str] = []
    for item in hooks:
        if item.resource.group_kind in (JOB, POD):
            try:
                found = await _troubles(tools, item)
            except KubeError:
                continue  # what went wrong with the hook is known; only the details are not
            sentences += [f"{who}: {why}" for who, why in found if why and why not in told]
    return sentences


async def _troubles(tools: Tools, item: Placed) -> list[tuple[str, str]]:
    """Who, and what is wrong with it."""
    live = await tools.client.find(item.resource, item.key.namespace, item.key.name)
    if live is None:
        return [(str(item.ref), "is gone")]
    if item.resource.group_kind == POD:
        return [(str(item.ref), pod_trouble(live))]
    pods = [
        (f"Pod/{text(pod, 'metadata', 'namespace')}/{text(pod, 'metadata', 'name')}", pod_trouble(pod))
        for pod in await _pods_of(tools, live)
    ]
    return [(str(item.ref), job_trouble(live)), *pods]


async def _pods_of(tools: Tools, job: Object) -> list[Object]:
    selector = render_match_labels((job.get("spec") or {}).get("selector"))
    if not selector:
        return []
    listing = await tools.client.list(_PODS, job["metadata"]["namespace"], label_selector=selector)
    newest = sorted(listing.items, key=lambda pod: text(pod, "metadata", "creationTimestamp"), reverse=True)
    return newest[:_MOST_PODS]


def job_trouble(job: Mapping[str, Any]) -> str:
    """The reason and message of the Job's Failed condition."""
    problem = condition(job, "Failed")
    if problem is None or problem.get("status") != "True":
        return ""
    return _told(text(problem, "reason"), text(problem, "message"))


def pod_trouble(pod: Mapping[str, Any]) -> str:
    """Why a Pod does not run or did not succeed; empty for one with which nothing is wrong."""
    containers = [
        *objects(pod, "status", "initContainerStatuses"),
        *objects(pod, "status", "containerStatuses"),
    ]
    for container in containers:
        why = _container_trouble(container)
        if why:
            return f"container {text(container, 'name')}: {why}"
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False":
        return _told(text(scheduled, "reason"), text(scheduled, "message"))
    if text(pod, "status", "phase") == "Failed":
        return _told(text(pod, "status", "reason") or "Failed", text(pod, "status", "message"))
    return ""


def _container_trouble(container: Mapping[str, Any]) -> str:
    code = field(container, "state", "terminated", "exitCode")
    if isinstance(code, int) and code != 0:
        return f"exit code {code} ({text(container, 'state', 'terminated', 'reason') or 'Error'})"
    waiting = text(container, "state", "waiting", "reason")
    if waiting and waiting not in ("ContainerCreating", "PodInitializing"):
        return _told(waiting, text(container, "state", "waiting", "message"))
    return ""


def _told(reason: str, message: str) -> str:
    return ": ".join(part for part in (reason, message) if part)[:_LONGEST]
