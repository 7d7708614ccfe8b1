"""Which webhooks are asked about a write, and in which version of the resource: no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcluster.admission.webhooks.configuration import Rule, Webhook
from localcluster.admission.webhooks.write import DELETE, Write
from localcluster.objects.crd.celrun import RuleFailed, evaluate
from localcluster.objects.crd.celview import cost
from localcluster.objects.crd.rules import BUDGET
from localcluster.resources.registry import Registry
from localcluster.resources.resource import Resource
from localcluster.status import Refusal, forbidden
from localcluster.store.revision import Obj
from localcluster.store.store import Store


@dataclass(frozen=True, slots=True)
class Asked:
    """A webhook that is to be asked, with objects in the form of this resource."""

    webhook: Webhook
    resource: Resource


def asked_by(webhook: Webhook, write: Write, store: Store, registry: Registry) -> Asked | None:
    """How the webhook is asked about this write; None where it is not."""
    resource = _matching_resource(webhook, write, registry)
    if resource is None:
        return None
    if webhook.namespaces.requirements:
        place = _place(write, store)
        if place is not None and not webhook.namespaces.matches(place):
            return None
    if webhook.objects.requirements and not _selects_object(webhook, write):
        return None
    return Asked(webhook, resource)


def _matching_resource(webhook: Webhook, write: Write, registry: Registry) -> Resource | None:
    own = write.call.resource
    if any(_covers(rule, write, own) for rule in webhook.rules):
        return own
    if webhook.exact or write.call.subresource not in ("", "status"):
        return None
    for rule in webhook.rules:
        for other in registry.versions_of(own):
            if _covers(rule, write, other):
                return other
    return None


def _covers(rule: Rule, write: Write, resource: Resource) -> bool:
    return (
        _has(rule.operations, write.operation)
        and _has(rule.groups, resource.group)
        and _has(rule.versions, resource.version)
        and _has_scope(rule, resource)
        and any(
            name in ("*", resource.plural) and subresource in ("*", write.call.subresource)
            for name, subresource in rule.resources
        )
    )


def _has(values: frozenset[str], value: str) -> bool:
    return value in values or "*" in values


def _has_scope(rule: Rule, resource: Resource) -> bool:
    match rule.scope:
        case "Namespaced":
            return resource.namespaced
        case "Cluster":
            return not resource.namespaced
    return True


def _place(write: Write, store: Store) -> Mapping[str, str] | None:
    """Labels of the namespace that the write is in; a namespace is in itself. None for what is in none."""
    resource = write.call.resource
    if resource.kind == "Namespace" and not resource.group:
        if write.operation != DELETE:
            return write.subject["metadata"].get("labels") or {}
        return _labels_of(store, write.call.name)
    return _labels_of(store, write.call.namespace) if resource.namespaced else None


def _labels_of(store: Store, namespace: str) -> Mapping[str, str]:
    revision = store.find("namespaces", ("", namespace))
    return {} if revision is None else revision.labels


def _selects_object(webhook: Webhook, write: Write) -> bool:
    return any(
        webhook.objects.matches(obj["metadata"].get("labels") or {})
        for obj in (write.obj, write.old)
        if obj is not None
    )


def conditions_hold(webhook: Webhook, request: Obj, write: Write) -> bool:
    """Whether all matchConditions are true of the request that would be sent.

    One that is false decides; else one that has no value means, as failurePolicy says, that the webhook is
    not asked or that the write is refused with a 403.
    """
    problems = []
    for name, expression in webhook.conditions:
        try:
            if evaluate_bounded(expression, request) is not True:
                return False
        except RuleFailed as failure:
            problems.append(f"expression '{expression}' of match condition '{name}' failed: {failure}")
    if problems and not webhook.fails_open:
        raise _undecided(write, problems)
    return not problems


def evaluate_bounded(expression: str, request: Obj) -> Any:
    """The value of a CEL expression about a request; RuleFailed where it has none or costs too much."""
    data = {"request": request, "object": request["object"], "oldObject": request["oldObject"]}
    if cost(expression, request) > BUDGET:
        raise RuleFailed("running out of cost budget")
    return evaluate(expression, data)


def _undecided(write: Write, problems: list[str]) -> Refusal:
    resource = write.call.resource
    return forbidden(resource.plural, resource.group, write.name, "; ".join(problems))
