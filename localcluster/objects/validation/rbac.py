"""Roles and their bindings."""

from __future__ import annotations

from typing import Any

from localcluster.objects import forms
from localcluster.objects.causes import Cause, invalid, required, unsupported
from localcluster.objects.forms import each
from localcluster.objects.typed import same
from localcluster.objects.validation import selectors

Json = dict[str, Any]

_GROUP = "rbac.authorization.k8s.io"


def role(obj: Json) -> list[Cause]:
    return _rules(obj.get("rules") or [], namespaced=True)


def cluster_role(obj: Json) -> list[Cause]:
    causes = _rules(obj.get("rules") or [], namespaced=False)
    aggregation = obj.get("aggregationRule")
    if aggregation is not None:
        listed = aggregation.get("clusterRoleSelectors") or []
        field = "aggregationRule.clusterRoleSelectors"
        if not listed:
            causes.append(
                required(field, "at least one clusterRoleSelector required if aggregationRule is non-nil")
            )
        for at, one in enumerate(listed):
            causes += selectors.label_selector(one, f"{field}[{at}]")
    return causes


def _rules(rules: list[Json], *, namespaced: bool) -> list[Cause]:
    causes: list[Cause] = []
    for at, rule in enumerate(rules):
        field = f"rules[{at}]"
        if not rule.get("verbs"):
            causes.append(required(f"{field}.verbs", "verbs must contain at least one value"))
        urls = rule.get("nonResourceURLs")
        if urls:
            causes += _url_rule(rule, urls, f"{field}.nonResourceURLs", namespaced=namespaced)
            continue
        if not rule.get("apiGroups"):
            causes.append(required(f"{field}.apiGroups", "resource rules must supply at least one api group"))
        if not rule.get("resources"):
            causes.append(required(f"{field}.resources", "resource rules must supply at least one resource"))
    return causes


def _url_rule(rule: Json, urls: list[str], field: str, *, namespaced: bool) -> list[Cause]:
    causes: list[Cause] = []
    if namespaced:
        causes.append(invalid(field, urls, "namespaced rules cannot apply to non-resource URLs"))
    if any(rule.get(name) for name in ("apiGroups", "resources", "resourceNames")):
        detail = "rules cannot apply to both regular resources and non-resource URLs"
        causes.append(invalid(field, urls, detail))
    return causes


def role_binding(obj: Json) -> list[Cause]:
    return _binding(obj, ("Role", "ClusterRole"), namespaced=True)


def cluster_role_binding(obj: Json) -> list[Cause]:
    return _binding(obj, ("ClusterRole",), namespaced=False)


def _binding(obj: Json, kinds: tuple[str, ...], *, namespaced: bool) -> list[Cause]:
    ref = obj.get("roleRef") or {}
    causes: list[Cause] = []
    if ref.get("apiGroup") != _GROUP:
        causes.append(unsupported("roleRef.apiGroup", ref.get("apiGroup", ""), (_GROUP,)))
    if ref.get("kind") not in kinds:
        causes.append(unsupported("roleRef.kind", ref.get("kind", ""), kinds))
    if not ref.get("name"):
        causes.append(required("roleRef.name"))
    else:
        causes += each("roleRef.name", ref["name"], forms.path_segment(ref["name"]))
    for at, subject in enumerate(obj.get("subjects") or ()):
        causes += _subject(subject, f"subjects[{at}]", namespaced=namespaced)
    return causes


def _subject(subject: Json, field: str, *, namespaced: bool) -> list[Cause]:
    name, group = subject.get("name", ""), subject.get("apiGroup", "")
    causes = [] if name else [required(f"{field}.name")]
    match subject.get("kind", ""):
        case "ServiceAccount":
            if name:
                causes += each(f"{field}.name", name, forms.dns_subdomain(name))
            if group:
                causes.append(unsupported(f"{field}.apiGroup", group, ("",)))
            if not subject.get("namespace") and not namespaced:
                causes.append(required(f"{field}.namespace"))
        case "User" | "Group":
            if group != _GROUP:
                causes.append(unsupported(f"{field}.apiGroup", group, (_GROUP,)))
        case other:
            causes.append(unsupported(f"{field}.kind", other, ("ServiceAccount", "User", "Group")))
    return causes


def binding_update(new: Json, old: Json) -> list[Cause]:
    if same(new.get("roleRef"), old.get("roleRef")):
        return []
    return [invalid("roleRef", new.get("roleRef"), "cannot change roleRef")]
