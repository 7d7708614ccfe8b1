"""The roles and bindings that every cluster has: those for users, and those the system itself needs.

One line of a table is `verbs groups resources`; `read` and `write` stand for the usual verbs, `core` for
the core group.
"""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]
_VERBS = {
    "read": ["get", "list", "watch"],
    "write": ["create", "delete", "deletecollection", "patch", "update"],
    "all": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
}
_API = "rbac.authorization.k8s.io/v1"
_GROUP = "rbac.authorization.k8s.io"
_AGGREGATE = f"{_GROUP}/aggregate-to-"

_TO_ADMIN = """
create authorization.k8s.io localsubjectaccessreviews
all rbac.authorization.k8s.io rolebindings,roles
"""
_TO_EDIT = """
read core pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy
impersonate core serviceaccounts
write core pods,pods/attach,pods/exec,pods/portforward,pods/proxy
create core pods/eviction
write core configmaps,events,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale
write core secrets,serviceaccounts,services,services/proxy
create core serviceaccounts/token
write apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale
write apps statefulsets,statefulsets/scale
write autoscaling horizontalpodautoscalers
write batch cronjobs,jobs
write policy poddisruptionbudgets
write networking.k8s.io ingresses,networkpolicies
all coordination.k8s.io leases
write resource.k8s.io resourceclaims,resourceclaimtemplates
"""
_TO_VIEW = """
read core configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods
read core replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status
read core bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status
read core resourcequotas,resourcequotas/status
read core namespaces
read discovery.k8s.io endpointslices
read apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status
read apps replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status
read autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status
read batch cronjobs,cronjobs/status,jobs,jobs/status
read policy poddisruptionbudgets,poddisruptionbudgets/status
read networking.k8s.io ingresses,ingresses/status,networkpolicies
read resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates
"""
_BASIC_USER = """
create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews
create authentication.k8s.io selfsubjectreviews
"""
_AUTH_DELEGATOR = """
create authentication.k8s.io tokenreviews
create authorization.k8s.io subjectaccessreviews
"""
_DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz"]
_PUBLIC = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_ISSUER = ["/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks"]


def _rules(table: str) -> list[Obj]:
    rules = []
    for line in table.strip().splitlines():
        verbs, group, resources = line.split()
        rules.append(
            {
                "verbs": _VERBS.get(verbs) or verbs.split(","),
                "apiGroups": ["" if group == "core" else group],
                "resources": resources.split(","),
            }
        )
    return rules


def _pages(urls: list[str], *verbs: str) -> list[Obj]:
    return [{"verbs": list(verbs), "nonResourceURLs": urls}]


def _role(name: str, rules: list[Obj], *, aggregated_to: str = "", made_of: str = "") -> Obj:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    if aggregated_to:
        labels[_AGGREGATE + aggregated_to] = "true"
    role: Obj = {
        "apiVersion": _API,
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": labels, "annotations": {f"{_GROUP}/autoupdate": "true"}},
        "rules": rules,
    }
    if made_of:
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {_AGGREGATE + made_of: "true"}}]}
    return role


def _binding(role: str, *subjects: tuple[str, str]) -> Obj:
    return {
        "apiVersion": _API,
        "kind": "ClusterRoleBinding",
        "metadata": {
            "name": role,
            "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
            "annotations": {f"{_GROUP}/autoupdate": "true"},
        },
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _GROUP, "kind": kind, "name": name} for kind, name in subjects],
    }


def initial_roles() -> list[Obj]:
    """Cluster roles, then cluster role bindings."""
    everything = [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
        {"verbs": ["*"], "nonResourceURLs": ["*"]},
    ]
    authenticated, anyone = ("Group", "system:authenticated"), ("Group", "system:unauthenticated")
    return [
        _role("cluster-admin", everything),
        _role("admin", [], made_of="admin"),
        _role("edit", [], made_of="edit", aggregated_to="admin"),
        _role("view", [], made_of="view", aggregated_to="edit"),
        _role("system:aggregate-to-admin", _rules(_TO_ADMIN), aggregated_to="admin"),
        _role("system:aggregate-to-edit", _rules(_TO_EDIT), aggregated_to="edit"),
        _role("system:aggregate-to-view", _rules(_TO_VIEW), aggregated_to="view"),
        _role("system:auth-delegator", _rules(_AUTH_DELEGATOR)),
        _role("system:basic-user", _rules(_BASIC_USER)),
        _role("system:discovery", _pages([*_DISCOVERY, "/version", "/version/"], "get")),
        _role("system:monitoring", _pages(["/healthz", "/livez", "/metrics", "/readyz"], "get")),
        _role("system:public-info-viewer", _pages(_PUBLIC, "get")),
        _role("system:service-account-issuer-discovery", _pages(_ISSUER, "get")),
        _binding("cluster-admin", ("Group", "system:masters")),
        _binding("system:basic-user", authenticated),
        _binding("system:discovery", authenticated),
        _binding("system:monitoring", ("Group", "system:monitoring")),
        _binding("system:public-info-viewer", authenticated, anyone),
        _binding("system:service-account-issuer-discovery", ("Group", "system:serviceaccounts")),
    ]
