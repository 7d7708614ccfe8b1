"""Rights: rules, roles made of others, and the ban on giving what one lacks."""

import pytest

from localcluster.auth.rbac import allows
from localcluster.http.target import read_target
from tests.fakes.localcluster_server import RunningCluster, config_map

RBAC = "/apis/rbac.authorization.k8s.io/v1"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}

RULES = {
    "the same": (PODS, "GET", "/api/v1/namespaces/ns/pods/p", True),
    "another verb": (PODS, "DELETE", "/api/v1/namespaces/ns/pods/p", False),
    "another group": (PODS, "GET", "/apis/apps/v1/namespaces/ns/pods/p", False),
    "a subresource": (PODS, "GET", "/api/v1/namespaces/ns/pods/p/log", False),
    "its subresource": ({**PODS, "resources": ["pods/log"]}, "GET", "/api/v1/namespaces/ns/pods/p/log", True),
    "any one's": ({**PODS, "resources": ["*/log"]}, "GET", "/api/v1/namespaces/ns/pods/p/log", True),
    "everything": ({**PODS, "resources": ["*"]}, "GET", "/api/v1/namespaces/ns/pods/p/log", True),
    "a name": ({**PODS, "resourceNames": ["p"]}, "GET", "/api/v1/namespaces/ns/pods/p", True),
    "another name": ({**PODS, "resourceNames": ["q"]}, "GET", "/api/v1/namespaces/ns/pods/p", False),
    "a page": ({"nonResourceURLs": ["/health*"], "verbs": ["get"]}, "GET", "/healthz", True),
    "another page": ({"nonResourceURLs": ["/health*"], "verbs": ["get"]}, "GET", "/metrics", False),
}


@pytest.mark.parametrize(("rule", "method", "path", "expected"), RULES.values(), ids=RULES)
def test_a_rule_allows(rule, method, path, expected) -> None:
    assert allows(rule, read_target(method, path, {})) is expected


async def _bind(cluster: RunningCluster, name: str, role: dict, user: str) -> None:
    await cluster.request("POST", f"{RBAC}/clusterroles", {"metadata": {"name": name}, **role})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}
    binding = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    assert (await cluster.request("POST", f"{RBAC}/clusterrolebindings", binding)).status == 201


async def test_a_role_made_of_others_follows_them(cluster: RunningCluster) -> None:
    rule = {"clusterRoleSelectors": [{"matchLabels": {"into": "sum"}}]}
    await _bind(cluster, "sum", {"aggregationRule": rule, "rules": []}, "bob")
    as_bob = {"Impersonate-User": "bob"}
    assert (await cluster.request("GET", CONFIG_MAPS, headers=as_bob)).status == 403
    part = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}
    role = {"metadata": {"name": "part", "labels": {"into": "sum"}}, "rules": [part]}
    await cluster.request("POST", f"{RBAC}/clusterroles", role)
    assert (await cluster.request("GET", CONFIG_MAPS, headers=as_bob)).status == 200
    await cluster.request("DELETE", f"{RBAC}/clusterroles/part")
    assert (await cluster.request("GET", CONFIG_MAPS, headers=as_bob)).status == 403


async def test_nobody_gives_what_he_lacks(cluster: RunningCluster) -> None:
    mine = [
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},
    ]
    await _bind(cluster, "mine", {"rules": mine}, "bob")
    as_bob = {"Impersonate-User": "bob"}
    for verbs, status in ((["get"], 201), (["get", "list"], 201), (["watch"], 403), (["*"], 403)):
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]
        role = {
            "metadata": {"name": f"with-{len(verbs)}-{status}-{verbs[0].strip('*') or 'all'}"},
            "rules": rules,
        }
        reply = await cluster.request("POST", f"{RBAC}/clusterroles", role, headers=as_bob)
        assert reply.status == status, reply.body
    assert reply.body["message"].endswith('{APIGroups:[""], Resources:["configmaps"], Verbs:["*"]}')


async def test_an_impersonator_without_rights_is_refused(cluster: RunningCluster) -> None:
    await cluster.until("/api/v1/namespaces/default/serviceaccounts/default")
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    token = (await cluster.request("POST", path, request)).body["status"]["token"]
    headers = {"Impersonate-User": "admin", "Impersonate-Group": "system:masters"}
    reply = await cluster.request("POST", CONFIG_MAPS, config_map("a"), headers=headers, token=token)
    assert (reply.status, reply.body["details"]["kind"]) == (403, "users")
