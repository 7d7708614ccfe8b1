"""Genuine helm against localcluster: a release's whole life, waiting for health included."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.genuine import Client, eventually

pytestmark = pytest.mark.kubectl

BROKEN = 'podAnnotations={"localcluster.headwater.dev/fail":"CrashLoopBackOff"}'


@pytest.fixture
def chart(helm: Client, tmp_path: Path) -> str:
    """The chart that helm itself makes: Deployment, Service, ServiceAccount, a test pod."""
    helm.run("create", str(tmp_path / "demo"))
    return str(tmp_path / "demo")


def test_install_test_upgrade_roll_back_uninstall(helm: Client, kubectl: Client, chart: str) -> None:
    installed = helm.run("install", "demo", chart, "--wait", "--timeout", "30s")
    ready_at_once = kubectl.json("get", "deployment", "demo")["status"]["readyReplicas"]
    tested = helm.run("test", "demo", "--timeout", "30s")
    helm.run("upgrade", "demo", chart, "--set", "replicaCount=3", "--wait", "--timeout", "30s")
    scaled = kubectl.json("get", "deployment", "demo")["status"]["readyReplicas"]
    helm.run("rollback", "demo", "1", "--wait", "--timeout", "30s")
    history = helm.json("history", "demo")

    assert "STATUS: deployed" in installed
    assert ready_at_once == 1
    assert "Phase:          Succeeded" in tested
    assert scaled == 3
    assert kubectl.json("get", "deployment", "demo")["spec"]["replicas"] == 1
    assert [(each["revision"], each["status"]) for each in history] == [
        (1, "superseded"),
        (2, "superseded"),
        (3, "deployed"),
    ]
    helm.run("uninstall", "demo", "--wait", "--timeout", "30s")
    assert helm.json("list") == []
    assert kubectl.run("get", "deployments,services", "-l", "helm.sh/chart", "-o", "name") == ""


def test_list_get_and_status(helm: Client, chart: str, namespace: str) -> None:
    helm.run("install", "demo", chart, "--set", "service.port=81", "--wait", "--timeout", "30s")

    listed = helm.json("list")
    assert [(each["name"], each["namespace"], each["status"]) for each in listed] == [
        ("demo", namespace, "deployed")
    ]
    assert helm.json("get", "values", "demo") == {"service": {"port": 81}}
    assert "kind: Deployment" in helm.run("get", "manifest", "demo")
    assert "demo-test-connection" in helm.run("get", "hooks", "demo")
    assert "1/1" in helm.run("status", "demo")


def test_an_upgrade_that_fails_is_rolled_back(helm: Client, kubectl: Client, chart: str) -> None:
    helm.run("install", "demo", chart, "--wait", "--timeout", "30s")
    told = helm.run(
        "upgrade", "demo", chart, "--set-json", BROKEN, "--rollback-on-failure", "--timeout", "3s", fails=True
    )

    assert "not ready" in told
    assert [each["status"] for each in helm.json("history", "demo")][-2:] == ["failed", "deployed"]
    eventually(lambda: "CrashLoopBackOff" not in kubectl.run("get", "pods"))


def test_an_install_that_never_gets_ready_times_out(helm: Client, chart: str) -> None:
    never = BROKEN.replace("CrashLoopBackOff", "never-ready")
    told = helm.run("install", "demo", chart, "--set-json", never, "--wait", "--timeout", "2s", fails=True)

    assert "not ready" in told
    assert helm.json("list", "--failed")[0]["status"] == "failed"


def test_a_dry_run_on_the_server_changes_nothing(helm: Client, kubectl: Client, chart: str) -> None:
    printed = helm.run("install", "demo", chart, "--dry-run=server")

    assert "kind: Service" in printed
    assert kubectl.run("get", "deployments,secrets", "-o", "name") == ""


def test_hooks_and_custom_resources_of_a_chart(
    helm: Client, kubectl: Client, tmp_path: Path, namespace: str
) -> None:
    group = f"{namespace}.example.com"
    files = {
        "Chart.yaml": "apiVersion: v2\nname: hooked\nversion: 1.0.0\n",
        "crds/lamps.yaml": f"""
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: lamps.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: lamps, singular: lamp, kind: Lamp}}
  versions:
  - {{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}
""",
        "templates/lamp.yaml": f"apiVersion: {group}/v1\nkind: Lamp\nmetadata: {{name: desk}}\n",
        "templates/before.yaml": """
apiVersion: batch/v1
kind: Job
metadata: {name: before, annotations: {helm.sh/hook: pre-install}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: example.com/job}]}}}
""",
    }
    for name, text in files.items():
        path = tmp_path / "hooked" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    helm.run("install", "hooked", str(tmp_path / "hooked"), "--wait", "--timeout", "30s")

    assert kubectl.json("get", "job", "before")["status"]["succeeded"] == 1
    assert kubectl.run("get", f"lamps.{group}", "-o", "name").strip() == f"lamp.{group}/desk"
    kubectl.run("delete", "crd", f"lamps.{group}")
