"""Genuine kubectl against localcluster: what people type must do what it does on a real cluster."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.genuine import Client

pytestmark = pytest.mark.kubectl

SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {color: red, size: small}\n"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("wide", "example.com/web:1"),
        ("name", "deployment.apps/web"),
        ("json", '"readyReplicas": 2'),
        ("yaml", "readyReplicas: 2"),
        ("jsonpath={.status.readyReplicas}", "2"),
        ("custom-columns=NAME:.metadata.name,REPLICAS:.spec.replicas", "web    2"),
        ("go-template={{.metadata.name}}:{{.spec.replicas}}", "web:2"),
    ],
)
def test_get_prints_every_form(web: Client, output: str, expected: str) -> None:
    assert expected in web.run("get", "deployment", "web", "-o", output)


def test_get_prints_the_columns_of_the_server(web: Client) -> None:
    header, row = web.run("get", "deployments").splitlines()

    assert header.split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert row.split()[:4] == ["web", "2/2", "2", "2"]


def test_get_all_shows_what_the_deployment_made(web: Client) -> None:
    shown = web.run("get", "all", "-o", "name").split()

    assert sorted(name.partition("/")[0] for name in shown) == [
        "deployment.apps",
        "pod",
        "pod",
        "replicaset.apps",
    ]


def test_get_selects_by_label_and_field(web: Client) -> None:
    assert len(web.json("get", "pods", "-l", "app=web,pod-template-hash")["items"]) == 2
    assert len(web.json("get", "pods", "--field-selector", "status.phase=Running")["items"]) == 2
    assert web.json("get", "pods", "-l", "app!=web")["items"] == []


@pytest.mark.parametrize("flags", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_apply_creates_configures_and_leaves_unchanged(kubectl: Client, flags: tuple[str, ...]) -> None:
    changed = SETTINGS.replace("color: red, size: small", "color: blue")

    first = kubectl.run("apply", *flags, "-f", "-", stdin=SETTINGS)
    before = kubectl.json("get", "configmap", "settings")["metadata"]["resourceVersion"]
    again = kubectl.run("apply", *flags, "-f", "-", stdin=SETTINGS)
    after = kubectl.json("get", "configmap", "settings")["metadata"]["resourceVersion"]
    kubectl.run("apply", *flags, "-f", "-", stdin=changed)

    assert "created" in first or "serverside-applied" in first
    assert "unchanged" in again or "serverside-applied" in again
    assert before == after
    assert kubectl.json("get", "configmap", "settings")["data"] == {"color": "blue"}


def test_server_side_apply_tells_of_conflicts_and_takes_over_when_forced(kubectl: Client) -> None:
    kubectl.run("apply", "--server-side", "--field-manager=first", "-f", "-", stdin=SETTINGS)
    other = SETTINGS.replace("red", "green")

    refused = kubectl.run(
        "apply", "--server-side", "--field-manager=second", "-f", "-", stdin=other, fails=True
    )
    kubectl.run(
        "apply", "--server-side", "--field-manager=second", "--force-conflicts", "-f", "-", stdin=other
    )

    assert 'conflict with "first": .data.color' in refused
    assert kubectl.json("get", "configmap", "settings")["data"]["color"] == "green"


def test_client_side_apply_can_become_server_side(kubectl: Client) -> None:
    kubectl.run("apply", "-f", "-", stdin=SETTINGS)
    kubectl.run("apply", "--server-side", "-f", "-", stdin=SETTINGS.replace("red", "green"))

    managers = kubectl.json("get", "configmap", "settings", "--show-managed-fields")["metadata"][
        "managedFields"
    ]
    # The second looks after kubectl's last-applied annotation.
    assert {(each["manager"], each["operation"]) for each in managers} == {
        ("kubectl", "Apply"),
        ("kubectl-last-applied", "Apply"),
    }


def test_apply_prunes_what_is_no_longer_there(kubectl: Client) -> None:
    two = SETTINGS.replace("{name: settings}", "{name: settings, labels: {set: a}}")
    two += "---\n" + two.replace("name: settings", "name: others")
    kubectl.run("apply", "-f", "-", stdin=two)

    one = two.partition("---\n")[0]
    kubectl.run(
        "apply", "--prune", "-l", "set=a", "--prune-allowlist=core/v1/ConfigMap", "-f", "-", stdin=one
    )

    assert kubectl.run("get", "configmaps", "-l", "set=a", "-o", "name").split() == ["configmap/settings"]


@pytest.mark.parametrize("flags", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_diff_shows_what_an_apply_would_do(kubectl: Client, flags: tuple[str, ...]) -> None:
    kubectl.run("apply", *flags, "-f", "-", stdin=SETTINGS)

    same = kubectl.run("diff", *flags, "-f", "-", stdin=SETTINGS)
    differs = kubectl.run("diff", *flags, "-f", "-", stdin=SETTINGS.replace("red", "blue"), fails=True)

    assert same == ""
    assert "-  color: red" in differs
    assert "+  color: blue" in differs
    assert kubectl.json("get", "configmap", "settings")["data"]["color"] == "red"


def test_edit_stores_what_the_editor_leaves(kubectl: Client, tmp_path: Path) -> None:
    kubectl.run("apply", "-f", "-", stdin=SETTINGS)
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/color: red/color: violet/" "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)

    edited = kubectl.run("edit", "configmap", "settings", EDITOR=str(editor))

    assert "configmap/settings edited" in edited
    assert kubectl.json("get", "configmap", "settings")["data"]["color"] == "violet"


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("strategic", {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "x:2"}]}}}}),
        ("merge", {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "x:2"}]}}}}),
        ("json", [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "x:2"}]),
    ],
)
def test_patch_of_every_type(web: Client, kind: str, patch: Any) -> None:
    web.run("patch", "deployment", "web", "--type", kind, "-p", json.dumps(patch))

    containers = web.json("get", "deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert [each["image"] for each in containers] == ["x:2"]
    assert ("ports" in containers[0]) == (kind != "merge")


def test_label_and_annotate(web: Client) -> None:
    web.run("label", "deployment", "web", "tier=front")
    refused = web.run("label", "deployment", "web", "tier=back", fails=True)
    web.run("label", "deployment", "web", "tier=back", "--overwrite")
    web.run("label", "deployment", "web", "app-")
    web.run("annotate", "deployment", "web", "note=hello there")

    metadata = web.json("get", "deployment", "web")["metadata"]
    assert "already has a value" in refused
    assert metadata["labels"] == {"tier": "back"}
    assert metadata["annotations"]["note"] == "hello there"


def test_who_may_do_what(kubectl: Client, namespace: str) -> None:
    account = f"system:serviceaccount:{namespace}:robot"
    kubectl.run("create", "serviceaccount", "robot")
    kubectl.run("create", "role", "reader", "--verb=get,list", "--resource=pods,configmaps")
    kubectl.run("create", "rolebinding", "robot", "--role=reader", f"--serviceaccount={namespace}:robot")

    assert kubectl.run("auth", "can-i", "create", "deployments").strip() == "yes"
    assert kubectl.run("auth", "can-i", "get", "pods", "--as", account).strip() == "yes"
    assert "no" in kubectl.run("auth", "can-i", "delete", "pods", "--as", account, fails=True)
    assert "[get list]" in kubectl.run("auth", "can-i", "--list", "--as", account)
    refused = kubectl.run("get", "secrets", "--as", account, fails=True)
    assert f'User "{account}" cannot list resource "secrets"' in refused


def test_a_created_token_is_good_for_its_account(kubectl: Client, namespace: str) -> None:
    kubectl.run("create", "serviceaccount", "robot")
    token = kubectl.run("create", "token", "robot", "--duration=20m").strip()
    config = kubectl.json("config", "view", "--raw", "--minify")
    config["users"][0]["user"] = {"token": token}
    own = Client(kubectl.binary, kubectl.home / "robot", kubectl.home)
    own.kubeconfig.write_text(json.dumps(config))
    own.kubeconfig.chmod(0o600)

    assert f"system:serviceaccount:{namespace}:robot" in own.run("auth", "whoami")
    assert "forbidden" in own.run("get", "pods", fails=True)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("deployment.spec.strategy", "rollingUpdate"),
        ("pod.spec.containers.image", "<string>"),
        ("service.spec.type", "ClusterIP"),
    ],
)
def test_explain(anywhere: Client, what: str, expected: str) -> None:
    assert expected in anywhere.run("explain", what)


def test_what_is_served(anywhere: Client) -> None:
    resources = anywhere.run("api-resources", "--no-headers", "-o", "name").split()

    assert {"pods", "deployments.apps", "customresourcedefinitions.apiextensions.k8s.io"} <= set(resources)
    assert {"v1", "apps/v1", "batch/v1"} <= set(anywhere.run("api-versions").split())
    assert "v1.36" in anywhere.run("version")


def test_watch_shows_changes_as_they_come(kubectl: Client) -> None:
    kubectl.run("apply", "--server-side", "-f", "-", stdin=SETTINGS)
    watch = kubectl.start("get", "configmaps", "settings", "--watch", "-o", "jsonpath={.data.color}{'\\n'}")
    try:
        assert watch.stdout is not None
        first = watch.stdout.readline().strip()
        kubectl.run("patch", "configmap", "settings", "-p", '{"data":{"color":"blue"}}')
        second = watch.stdout.readline().strip()
    finally:
        watch.kill()
        watch.communicate()

    assert (first, second) == ("red", "blue")


def test_delete_of_a_namespace_empties_it(anywhere: Client, web: Client, namespace: str) -> None:
    anywhere.run("delete", "namespace", namespace, "--timeout=30s")

    assert "NotFound" in anywhere.run("get", "namespace", namespace, fails=True)
    anywhere.run("create", "namespace", namespace)


def test_custom_resources_come_and_go(anywhere: Client, kubectl: Client, namespace: str) -> None:
    group = f"{namespace}.example.com"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"lamps.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "lamps", "singular": "lamp", "kind": "Lamp", "shortNames": ["lp"]},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": [
                        {"name": "Watts", "type": "integer", "jsonPath": ".spec.watts"}
                    ],
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {
                                    "type": "object",
                                    "properties": {
                                        "watts": {"type": "integer", "maximum": 100, "default": 5}
                                    },
                                }
                            },
                        }
                    },
                }
            ],
        },
    }
    lamp: dict[str, Any] = {
        "apiVersion": f"{group}/v1",
        "kind": "Lamp",
        "metadata": {"name": "desk"},
        "spec": {},
    }
    anywhere.run("apply", "--server-side", "-f", "-", stdin=json.dumps(definition))
    anywhere.run("wait", f"crd/lamps.{group}", "--for=condition=Established", "--timeout=20s")
    kubectl.run("apply", "--server-side", "-f", "-", stdin=json.dumps(lamp))
    lamp["spec"]["watts"] = 500
    refused = kubectl.run("apply", "--server-side", "-f", "-", stdin=json.dumps(lamp), fails=True)

    assert kubectl.run("get", "lp").split()[:4] == ["NAME", "WATTS", "desk", "5"]
    assert "should be less than or equal to 100" in refused
    assert "watts" in kubectl.run("explain", f"lamps.{group}.spec")
    anywhere.run("delete", "crd", f"lamps.{group}", "--timeout=20s")
    assert "the server doesn't have a resource type" in kubectl.run("get", f"lamps.{group}", fails=True)
