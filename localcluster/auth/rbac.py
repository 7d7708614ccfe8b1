"""Who may do what, by roles and bindings as they are in the store at this moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from localcluster.auth.users import MASTERS, User, account_name
from localcluster.http.target import Target
from localcluster.status import Refusal, forbidden
from localcluster.store.revision import Change
from localcluster.store.store import Store

_GROUP = "rbac.authorization.k8s.io"
_COLLECTIONS = tuple(
    f"{kind}.{_GROUP}" for kind in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
)
Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grant:
    """One subject's part in one binding: where it holds (everywhere if empty), and how it is explained."""

    namespace: str
    role_kind: str
    role: str
    reason: str


class Authorizer:
    """Answers from an index by subject, made anew after a role or binding has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._grants: dict[str, list[Grant]] | None = None
        self._rules: dict[tuple[str, str], list[Rule]] = {}
        for collection in _COLLECTIONS:
            store.listen(collection, self)

    def offer(self, change: Change) -> None:
        """Hear that roles or bindings have changed."""
        del change
        self._grants = None
        self._rules.clear()

    def require(self, user: User, target: Target) -> None:
        """Raise 403, in the genuine words, where the user may not."""
        if self.reason(user, target) is None:
            raise refused(user, target)

    def require_verb(self, user: User, target: Target, verb: str) -> None:
        """Raise 403 where the user may not do another thing to the same target."""
        self.require(user, replace(target, verb=verb))

    def reason(self, user: User, target: Target) -> str | None:
        """Why the user may (empty for system:masters), or None where nothing allows it."""
        if MASTERS in user.groups:
            return ""
        for grant, rules in self.grants(user, target.namespace):
            if any(allows(rule, target) for rule in rules):
                return grant.reason
        return None

    def grants(self, user: User, namespace: str) -> Iterator[tuple[Grant, list[Rule]]]:
        """What holds for the user in a namespace, cluster-wide bindings first."""
        index = self._index()
        subjects = (f"User {user.name}", *(f"Group {group}" for group in user.groups))
        found = [grant for subject in subjects for grant in index.get(subject, ())]
        for grant in sorted(found, key=lambda each: each.namespace != ""):
            if not grant.namespace or grant.namespace == namespace:
                yield grant, self.rules_of(grant.role_kind, grant.namespace, grant.role) or []

    def rules_of(self, kind: str, namespace: str, name: str) -> list[Rule] | None:
        """The rules of a role, None where there is no such role."""
        plural, key = ("clusterroles", ("", name)) if kind == "ClusterRole" else ("roles", (namespace, name))
        cached = self._rules.get((plural, "/".join(key)))
        if cached is not None:
            return cached
        revision = self._store.find(f"{plural}.{_GROUP}", key)
        if revision is None:
            return None
        rules: list[Rule] = revision.load().get("rules") or []
        self._rules[plural, "/".join(key)] = rules
        return rules

    def _index(self) -> dict[str, list[Grant]]:
        if self._grants is None:
            self._grants = {}
            for plural in ("clusterrolebindings", "rolebindings"):
                for revision in self._store.snapshot(f"{plural}.{_GROUP}", ""):
                    self._add_binding(revision.load())
        return self._grants

    def _add_binding(self, binding: dict[str, Any]) -> None:
        assert self._grants is not None
        metadata, role = binding["metadata"], binding["roleRef"]
        namespace: str = metadata.get("namespace", "")
        kind = "RoleBinding" if namespace else "ClusterRoleBinding"
        shown = f"{metadata['name']}/{namespace}" if namespace else metadata["name"]
        for subject in binding.get("subjects") or ():
            who, described = _subject(subject, namespace)
            reason = f'RBAC: allowed by {kind} "{shown}" of {role["kind"]} "{role["name"]}" to {described}'
            grant = Grant(namespace, role["kind"], role["name"], reason)
            self._grants.setdefault(who, []).append(grant)


def _subject(subject: dict[str, Any], namespace: str) -> tuple[str, str]:
    """The key of a subject in the index, and how reasons name it."""
    if subject["kind"] == "ServiceAccount":
        within = subject.get("namespace") or namespace
        return f"User {account_name(within, subject['name'])}", f'ServiceAccount "{subject["name"]}/{within}"'
    return f"{subject['kind']} {subject['name']}", f'{subject["kind"]} "{subject["name"]}"'


def allows(rule: Rule, target: Target) -> bool:
    verbs = rule.get("verbs") or ()
    if target.verb not in verbs and "*" not in verbs:
        return False
    if not target.is_resource:
        return any(_matches_path(pattern, target.path) for pattern in rule.get("nonResourceURLs") or ())
    groups = rule.get("apiGroups") or ()
    if target.group not in groups and "*" not in groups:
        return False
    if not _matches_resource(rule.get("resources") or (), target):
        return False
    names = rule.get("resourceNames")
    return not names or target.name in names


def _matches_resource(resources: list[str] | tuple[str, ...], target: Target) -> bool:
    if not target.subresource:
        return target.resource in resources or "*" in resources
    combined = f"{target.resource}/{target.subresource}"
    return combined in resources or "*" in resources or f"*/{target.subresource}" in resources


def _matches_path(pattern: str, path: str) -> bool:
    if pattern in ("*", path):
        return True
    return pattern.endswith("*") and path.startswith(pattern.rstrip("*"))


def refused(user: User, target: Target) -> Refusal:
    """The 403 of a request that nothing allows."""
    if not target.is_resource:
        message = f'forbidden: User "{user.name}" cannot {target.verb} path "{target.path}"'
        return Refusal(403, "Forbidden", message, {})
    what = f"{target.resource}/{target.subresource}" if target.subresource else target.resource
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    why = f'User "{user.name}" cannot {target.verb} resource "{what}" in API group "{target.group}" {where}'
    return forbidden(target.resource, target.group, target.name, why)
