"""Nobody may give rights that he lacks: the check on roles and bindings that are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from localcluster.auth.users import MASTERS
from localcluster.http.target import Target
from localcluster.status import forbidden, not_found

if TYPE_CHECKING:
    from localcluster.auth.rbac import Authorizer
    from localcluster.auth.users import User
    from localcluster.store.revision import Obj
    from localcluster.verbs.call import Call

GROUP = "rbac.authorization.k8s.io"
Rule = dict[str, Any]


def require_may_grant(authorizer: Authorizer, call: Call, obj: Obj, old: Obj | None) -> None:
    """Raise 403 where the writer of a role or binding would give more than he has."""
    if call.resource.group != GROUP or MASTERS in call.user.groups:
        return
    granted: list[Rule] | None
    if "roleRef" in obj:
        granted = _bound_rules(authorizer, call, obj)
    else:
        if old is not None and old.get("rules") == obj.get("rules"):
            return
        granted = (
            [] if _may(authorizer, call, "escalate", call.resource.plural, call.name) else obj.get("rules")
        )
    missing = list(_missing(_held(authorizer, call.user, call.namespace), granted or ()))
    if not missing:
        return
    shown = "\n".join(_shown(rule) for rule in _compacted(missing))
    groups = " ".join(f'"{group}"' for group in call.user.groups)
    who = f'user "{call.user.name}" (groups=[{groups}])'
    why = f"{who} is attempting to grant RBAC permissions not currently held:\n{shown}"
    name = obj["metadata"].get("name", "")
    raise forbidden(call.resource.plural, GROUP, name, why)


def _bound_rules(authorizer: Authorizer, call: Call, binding: Obj) -> list[Rule]:
    """The rules that a binding gives; none where the user may bind the role whatever it holds."""
    reference = binding["roleRef"]
    plural = "clusterroles" if reference["kind"] == "ClusterRole" else "roles"
    if _may(authorizer, call, "bind", plural, reference["name"]):
        return []
    rules = authorizer.rules_of(reference["kind"], call.namespace, reference["name"])
    if rules is None:
        raise not_found(call.resource.plural, GROUP, reference["name"])
    return rules


def _may(authorizer: Authorizer, call: Call, verb: str, plural: str, name: str) -> bool:
    target = Target(
        verb=verb,
        path="",
        is_resource=True,
        group=GROUP,
        version="v1",
        resource=plural,
        namespace=call.namespace,
        name=name,
    )
    return authorizer.reason(call.user, target) is not None


def _held(authorizer: Authorizer, user: User, namespace: str) -> list[Rule]:
    return [rule for _, rules in authorizer.grants(user, namespace) for rule in rules]


def _missing(held: list[Rule], granted: Iterable[Rule]) -> Iterator[Rule]:
    """The smallest parts of the granted rules that no held rule covers."""
    for rule in granted:
        for part in _parts(rule):
            if not any(_covers(each, part) for each in held):
                yield part


def _parts(rule: Rule) -> Iterator[Rule]:
    verbs = rule.get("verbs") or ()
    for url in rule.get("nonResourceURLs") or ():
        for verb in verbs:
            yield {"nonResourceURLs": [url], "verbs": [verb]}
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                part: Rule = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                names = rule.get("resourceNames") or ()
                if not names:
                    yield part
                for name in names:
                    yield {**part, "resourceNames": [name]}


def _covers(held: Rule, part: Rule) -> bool:
    """Whether a held rule allows all of one part (which has one value in each of its lists)."""
    if not _has(held.get("verbs"), part["verbs"][0]):
        return False
    if "nonResourceURLs" in part:
        url: str = part["nonResourceURLs"][0]
        patterns = held.get("nonResourceURLs") or ()
        return any(
            pattern in ("*", url) or (pattern.endswith("*") and url.startswith(pattern.rstrip("*")))
            for pattern in patterns
        )
    if not _has(held.get("apiGroups"), part["apiGroups"][0]):
        return False
    resource: str = part["resources"][0]
    resources = held.get("resources") or ()
    _, slash, subresource = resource.partition("/")
    if not _has(resources, resource) and not (slash and f"*/{subresource}" in resources):
        return False
    names = held.get("resourceNames") or ()
    return not names or bool(part.get("resourceNames") and part["resourceNames"][0] in names)


def _has(values: Iterable[str] | None, value: str) -> bool:
    return values is not None and any(each in ("*", value) for each in values)


def _compacted(parts: list[Rule]) -> list[Rule]:
    """Parts about the same resource as one, with all their verbs."""
    found: dict[tuple[str, str], Rule] = {}
    rest: list[Rule] = []
    for part in parts:
        if "nonResourceURLs" in part or "resourceNames" in part:
            rest.append(part)
            continue
        key = (part["apiGroups"][0], part["resources"][0])
        if key in found:
            found[key]["verbs"] = [*found[key]["verbs"], *part["verbs"]]
        else:
            found[key] = dict(part)
    return sorted([*found.values(), *rest], key=_shown)


def _shown(rule: Rule) -> str:
    names = (
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("ResourceNames", "resourceNames"),
        ("Verbs", "verbs"),
    )
    parts = []
    for shown_as, key in names:
        values = " ".join(f'"{value}"' for value in rule.get(key) or ())
        if values:
            parts.append(f"{shown_as}:[{values}]")
    return "{" + ", ".join(parts) + "}"
