"""What kustomize makes of deploy/, judged by a genuine kubectl."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.peers import find
from tests.unit.deploy.files import DEPLOY, Object

KUBECTL = find("kubectl")
pytestmark = [
    pytest.mark.kubectl,
    pytest.mark.skipif(KUBECTL is None, reason="no kubectl here: make peers, or install one"),
]
TARGETS = [
    "base/source-controller",
    "base/kustomize-controller",
    "base/helm-controller",
    "base/image-automation-controller",
    "base/notification-controller",
    "install",
    "overlays/dev",
    "overlays/multi-tenant",
]
POSTING = ("source-controller", "kustomize-controller", "helm-controller", "image-automation-controller")
PROJECT = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]


def built(folder: Path) -> list[Object]:
    command = [str(KUBECTL), "kustomize", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    return list(yaml.safe_load_all(done.stdout))


def named(objects: list[Object], kind: str, name: str) -> Object:
    return next(obj for obj in objects if (obj["kind"], obj["metadata"]["name"]) == (kind, name))


def args(objects: list[Object], controller: str) -> list[str]:
    found: list[str] = named(objects, "Deployment", controller)["spec"]["template"]["spec"]["containers"][0][
        "args"
    ]
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_every_object_is_labelled(target: str) -> None:
    for obj in built(DEPLOY / target):
        labels = obj["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "flux"
        assert labels["app.kubernetes.io/instance"] == "flux-system"
        assert labels["app.kubernetes.io/version"] == f"v{PROJECT['version']}"


@pytest.mark.parametrize("target", TARGETS)
def test_everything_namespaced_is_in_one_namespace(target: str) -> None:
    whole = {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
    homes = {obj["metadata"].get("namespace") for obj in built(DEPLOY / target) if obj["kind"] not in whole}
    assert homes == {"flux-system"}


@pytest.mark.parametrize("target", [target for target in TARGETS if "overlays" not in target])
def test_the_image_is_that_of_this_version(target: str) -> None:
    for deployment in (obj for obj in built(DEPLOY / target) if obj["kind"] == "Deployment"):
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        assert container["image"] == f"headwater:{PROJECT['version']}"


def test_a_controller_alone_brings_all_that_it_needs() -> None:
    kinds = Counter(obj["kind"] for obj in built(DEPLOY / "base/source-controller"))
    assert kinds == {
        "Namespace": 1,
        "CustomResourceDefinition": len(list((DEPLOY / "crds/source").glob("*.fluxcd.io.yaml"))),
        "ServiceAccount": 1,
        "Role": 1,
        "ClusterRole": 1,
        "RoleBinding": 1,
        "ClusterRoleBinding": 1,
        "Service": 1,
        "Deployment": 1,
        "ResourceQuota": 1,
        "NetworkPolicy": 3,
    }


def test_events_go_to_the_notification_controller_where_there_is_one() -> None:
    objects = built(DEPLOY / "install")
    for controller in POSTING:
        assert args(objects, controller)[0] == (
            "--events-addr=http://notification-controller.$(RUNTIME_NAMESPACE).svc.cluster.local./"
        )


def test_tenants_cannot_reach_each_other() -> None:
    objects = built(DEPLOY / "overlays/multi-tenant")
    assert args(objects, "kustomize-controller")[5:] == [
        "--no-cross-namespace-refs=true",
        "--no-remote-bases=true",
        "--default-service-account=default",
    ]
    assert args(objects, "helm-controller")[5:] == [
        "--no-cross-namespace-refs=true",
        "--default-service-account=default",
    ]
    roles = {obj["metadata"]["name"] for obj in objects if obj["kind"] == "ClusterRole"}
    assert roles == {"crd-controller-flux-system"}


def test_the_development_overlay_logs_for_people() -> None:
    objects = built(DEPLOY / "overlays/dev")
    assert args(objects, "source-controller")[2:4] == ["--log-level=debug", "--log-encoding=console"]


# Patches that users have in their repositories (specs/deploy.md 8.1): they find their place by index.
USERS_PATCHES = {
    "an argument at the end": ("Deployment", "source-controller", "add", "args/-", "--concurrent=10"),
    "the advertised address": (
        "Deployment",
        "source-controller",
        "replace",
        "args/6",
        "--storage-adv-addr=x",
    ),
    "artifacts on a volume": (
        "Deployment",
        "source-controller",
        "replace",
        "volumeMounts/0",
        {"name": "persistent-data", "mountPath": "/data"},
    ),
}


@pytest.mark.parametrize("case", USERS_PATCHES.values(), ids=USERS_PATCHES.keys())
def test_patches_of_users_apply(case: tuple[str, str, str, str, object], tmp_path: Path) -> None:
    kind, name, op, place, value = case
    patch = [{"op": op, "path": f"/spec/template/spec/containers/0/{place}", "value": value}]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(built(DEPLOY / "install")))
    (tmp_path / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "resources": ["all.yaml"],
                "patches": [{"patch": yaml.safe_dump(patch), "target": {"kind": kind, "name": name}}],
            }
        )
    )
    container = named(built(tmp_path), kind, name)["spec"]["template"]["spec"]["containers"][0]
    field, _, index = place.partition("/")
    assert container[field][-1 if index == "-" else int(index)] == value


def test_forbidding_tokens_removes_rule_eleven(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(built(DEPLOY / "install")))
    patch = yaml.safe_dump([{"op": "remove", "path": "/rules/11"}])
    target = {"kind": "ClusterRole", "name": "crd-controller-flux-system"}
    (tmp_path / "kustomization.yaml").write_text(
        yaml.safe_dump({"resources": ["all.yaml"], "patches": [{"patch": patch, "target": target}]})
    )
    role = named(built(tmp_path), "ClusterRole", "crd-controller-flux-system")
    assert not [rule for rule in role["rules"] if "serviceaccounts/token" in rule.get("resources", [])]


def test_another_namespace_takes_the_accounts_along(tmp_path: Path) -> None:
    """The bindings of what is installed follow `namespace:`; those of what is not stay as they are."""
    relative = os.path.relpath(DEPLOY / "install", tmp_path)
    (tmp_path / "kustomization.yaml").write_text(
        yaml.safe_dump({"namespace": "gitops", "resources": [relative]})
    )
    objects = built(tmp_path)
    bound = {
        subject["name"]: subject["namespace"]
        for obj in objects
        if obj["kind"] == "ClusterRoleBinding"
        for subject in obj["subjects"]
    }
    assert (bound["source-controller"], bound["kustomize-controller"]) == ("gitops", "gitops")
    assert named(objects, "Namespace", "gitops")
    assert named(objects, "Deployment", "source-controller")["metadata"]["namespace"] == "gitops"
