"""The manifests hold the names, orders and rights that specs/deploy.md 3-6 fix."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.deploy.files import CONTROLLERS, DEPLOY, Object, deployment, documents, objects_below

COMMON_ARGS = [
    "--events-addr=",
    "--watch-all-namespaces=true",
    "--log-level=info",
    "--log-encoding=json",
    "--enable-leader-election",
]
SOURCE_ARGS = [
    "--storage-path=/data",
    "--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc.cluster.local.",
]
GROUPS = [
    "source.toolkit.fluxcd.io",
    "kustomize.toolkit.fluxcd.io",
    "helm.toolkit.fluxcd.io",
    "notification.toolkit.fluxcd.io",
    "image.toolkit.fluxcd.io",
    "source.extensions.fluxcd.io",
]


@pytest.fixture(params=CONTROLLERS)
def controller(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pod(controller: str) -> Object:
    found: Object = deployment(controller)["spec"]["template"]["spec"]
    return found


def manager(controller: str) -> Object:
    (container,) = pod(controller)["containers"]
    found: Object = container
    return found


@pytest.mark.parametrize(
    ("controller", "args"),
    [
        ("source-controller", COMMON_ARGS + SOURCE_ARGS),
        ("kustomize-controller", COMMON_ARGS),
        ("helm-controller", COMMON_ARGS),
        ("image-automation-controller", COMMON_ARGS),
        # It posts no events, least of all to itself.
        ("notification-controller", COMMON_ARGS[1:]),
    ],
)
def test_arguments_keep_their_indices(controller: str, args: list[str]) -> None:
    assert manager(controller)["args"] == args


def test_command_is_the_console_script(controller: str) -> None:
    project = (DEPLOY.parent / "pyproject.toml").read_text()
    assert manager(controller)["command"] == [controller]
    assert f"\n{controller} = " in project


PORTS = {
    "source-controller": {"http": 9090, "http-prom": 8080, "healthz": 9440},
    "kustomize-controller": {"http-prom": 8080, "healthz": 9440},
    "helm-controller": {"http-prom": 8080, "healthz": 9440},
    "image-automation-controller": {"http-prom": 8080, "healthz": 9440},
    "notification-controller": {"http": 9090, "http-webhook": 9292, "http-prom": 8080, "healthz": 9440},
}
# Only the leader serves artifacts, so only the leader is ready.
READINESS = {
    "source-controller": {"path": "/", "port": "http"},
    "kustomize-controller": {"path": "/readyz", "port": "healthz"},
    "helm-controller": {"path": "/readyz", "port": "healthz"},
    "image-automation-controller": {"path": "/readyz", "port": "healthz"},
    "notification-controller": {"path": "/readyz", "port": "healthz"},
}
STOPPING = {
    "source-controller": ("Recreate", 10),
    "kustomize-controller": ("RollingUpdate", 60),
    "helm-controller": ("RollingUpdate", 600),
    "image-automation-controller": ("RollingUpdate", 10),
    "notification-controller": ("RollingUpdate", 10),
}
REQUESTS = {
    "source-controller": {"cpu": "50m", "memory": "64Mi"},
    "kustomize-controller": {"cpu": "100m", "memory": "64Mi"},
    "helm-controller": {"cpu": "100m", "memory": "64Mi"},
    "image-automation-controller": {"cpu": "100m", "memory": "64Mi"},
    "notification-controller": {"cpu": "100m", "memory": "64Mi"},
}


def test_ports_and_probes(controller: str) -> None:
    container = manager(controller)
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == PORTS[controller]
    assert container["readinessProbe"]["httpGet"] == READINESS[controller]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "healthz"}


def test_how_it_stops(controller: str) -> None:
    strategy = deployment(controller)["spec"]["strategy"]["type"]
    assert (strategy, pod(controller)["terminationGracePeriodSeconds"]) == STOPPING[controller]


def test_what_it_may_use(controller: str) -> None:
    assert manager(controller)["resources"] == {
        "requests": REQUESTS[controller],
        "limits": {"cpu": "1000m", "memory": "1Gi"},
    }


@pytest.mark.parametrize(
    ("controller", "volumes", "env"),
    [
        ("source-controller", ["data", "tmp"], ["RUNTIME_NAMESPACE", "TUF_ROOT", "GOMEMLIMIT"]),
        ("kustomize-controller", ["temp"], ["RUNTIME_NAMESPACE", "GOMEMLIMIT"]),
        ("helm-controller", ["temp"], ["RUNTIME_NAMESPACE", "GOMEMLIMIT"]),
        ("image-automation-controller", ["temp", "data"], ["RUNTIME_NAMESPACE", "GOMEMLIMIT"]),
        ("notification-controller", ["temp"], ["RUNTIME_NAMESPACE", "GOMEMLIMIT"]),
    ],
)
def test_volumes_and_variables_keep_their_order(controller: str, volumes: list[str], env: list[str]) -> None:
    assert [volume["name"] for volume in pod(controller)["volumes"]] == volumes
    assert [mount["name"] for mount in manager(controller)["volumeMounts"]] == volumes
    assert [variable["name"] for variable in manager(controller)["env"]] == env


def test_pod_fits_the_restricted_profile(controller: str) -> None:
    assert manager(controller)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert {"hostNetwork", "hostPID", "hostIPC"} & pod(controller).keys() == set()
    assert all(set(volume) == {"name", "emptyDir"} for volume in pod(controller)["volumes"])


def test_selector_is_the_app_label(controller: str) -> None:
    found = deployment(controller)
    assert found["spec"]["selector"]["matchLabels"] == {"app": controller}
    assert found["spec"]["template"]["metadata"]["labels"] == {"app": controller}
    assert found["metadata"]["labels"] == {"control-plane": "controller"}
    assert pod(controller)["serviceAccountName"] == controller
    assert pod(controller)["priorityClassName"] == "system-cluster-critical"


def test_service_points_at_the_artifact_port() -> None:
    (service,) = documents(DEPLOY / "parts/source-controller/service.yaml")
    assert service["spec"]["selector"] == {"app": "source-controller"}
    assert service["spec"]["ports"] == [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": "http"}]


def test_services_of_notifications_point_at_their_ports() -> None:
    services = documents(DEPLOY / "parts/notification-controller/service.yaml")
    found = {service["metadata"]["name"]: service["spec"] for service in services}
    assert {name: spec["ports"][0]["targetPort"] for name, spec in found.items()} == {
        "notification-controller": "http",
        "webhook-receiver": "http-webhook",
    }
    assert all(spec["selector"] == {"app": "notification-controller"} for spec in found.values())
    assert all(spec["ports"][0]["port"] == 80 for spec in found.values())


def test_shared_role_keeps_its_rule_indices() -> None:
    role = documents(DEPLOY / "parts/rbac/controller.yaml")[0]
    rules = role["rules"]
    assert [rule["apiGroups"] for rule in rules[:6]] == [[group] for group in GROUPS]
    assert [rule.get("resources", rule.get("nonResourceURLs")) for rule in rules[6:]] == [
        ["namespaces", "secrets", "configmaps", "serviceaccounts"],
        ["events"],
        ["configmaps"],
        ["configmaps/status"],
        ["leases"],
        ["serviceaccounts/token"],
        ["/livez/ping"],
    ]


def test_shared_role_is_bound_to_all_accounts_of_the_distribution() -> None:
    binding = documents(DEPLOY / "parts/rbac/controller.yaml")[1]
    assert sorted(subject["name"] for subject in binding["subjects"]) == [
        "helm-controller",
        "image-automation-controller",
        "image-reflector-controller",
        "kustomize-controller",
        "notification-controller",
        "source-controller",
        "source-watcher",
    ]


def rules(objects: list[Object]) -> list[tuple[str, dict[str, Any]]]:
    roles = [obj for obj in objects if obj["kind"] in {"ClusterRole", "Role"}]
    return [(role["metadata"]["name"], rule) for role in roles for rule in role["rules"]]


def test_own_role_names_what_it_may_do(controller: str) -> None:
    """No wildcard; nothing is written but own objects, events, leases and tokens; secrets are only read."""
    for name, rule in rules(objects_below(DEPLOY / "base" / controller)):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], name
        if controller == "notification-controller" and rule["verbs"] == ["get", "list", "patch"]:
            # Webhooks ask for reconciles, by an annotation.
            assert rule["apiGroups"][0] in GROUPS, name
        elif controller == "helm-controller" and rule["resources"] == ["helmcharts"]:
            # Those of chart templates are its own.
            assert rule["verbs"] == ["get", "list", "watch", "create", "patch", "delete"], name
        elif not {"get", "list", "watch"}.issuperset(rule["verbs"]):
            assert rule["resources"] in (["events"], ["serviceaccounts/token"]) or rule["apiGroups"][0] in {
                f"{controller.partition('-')[0]}.toolkit.fluxcd.io",
                f"{controller.removesuffix('-controller')}.extensions.fluxcd.io",
                "coordination.k8s.io",
            }, name


def test_wildcards_are_only_where_the_contract_has_them() -> None:
    starred = {
        name for name, rule in rules(objects_below(DEPLOY / "parts")) if "*" in rule.get("resources", [])
    }
    assert starred == {"crd-controller-flux-system", "flux-edit-flux-system", "flux-view-flux-system"}


def test_only_the_applier_is_cluster_admin() -> None:
    bindings = [
        obj
        for obj in objects_below(DEPLOY)
        if obj["kind"] == "ClusterRoleBinding" and obj["roleRef"]["name"] == "cluster-admin"
    ]
    subjects = {subject["name"] for binding in bindings for subject in binding["subjects"]}
    assert subjects == {"kustomize-controller", "helm-controller"}


def test_network_policies() -> None:
    found = {
        policy["metadata"]["name"]: policy["spec"] for policy in objects_below(DEPLOY / "parts/policies")
    }
    assert found["allow-egress"]["ingress"] == [{"from": [{"podSelector": {}}]}]
    assert found["allow-egress"]["egress"] == [{}]
    assert found["allow-scraping"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": 8080}]
    assert found["allow-webhooks"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": 9292}]
    assert found["allow-webhooks"]["podSelector"] == {"matchLabels": {"app": "notification-controller"}}


def test_namespace_warns_about_pods_that_are_not_restricted() -> None:
    namespace = documents(DEPLOY / "parts/namespace/namespace.yaml")[0]
    assert namespace["metadata"]["labels"] == {
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/warn-version": "latest",
    }
