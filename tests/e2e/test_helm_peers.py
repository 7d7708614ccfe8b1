"""Releases that we make and releases that genuine helm makes are the same thing to both of us.

The actions of controllers/helm and the Helm engine run in this process, against the cluster of the tests.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.helm.actions.install import install
from controllers.helm.actions.requests import (
    Content,
    Install,
    PostRender,
    Rollback,
    RunTests,
    Uninstall,
    Upgrade,
    Wait,
)
from controllers.helm.actions.rollback import rollback
from controllers.helm.actions.run_tests import run_tests
from controllers.helm.actions.toolbox import Tools
from controllers.helm.actions.uninstall import uninstall
from controllers.helm.actions.upgrade import upgrade
from controllers.helm.release.encoding import render
from controllers.helm.release.record import HookPhase, Release, Status
from controllers.helm.release.storage import Storage
from shared.charts.capabilities import Capabilities
from shared.charts.engine import Engine, RenderRequest
from shared.kube.discovery import Discovery
from shared.kube.tracker import Tracker
from shared.logic.owner import OwnerLabels
from shared.model.kinds import CONFIG_MAP
from shared.model.meta import ObjectKey
from tests.e2e.conftest import Cluster
from tests.e2e.world import World
from tests.peers import find

HELM = find("helm")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(HELM is None, reason="no genuine helm: python -m tests.peers fetches one"),
]

WAIT = Wait(timedelta(seconds=30))
GROUP = "helm.toolkit.fluxcd.io"

CHART = {
    "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.2.3\nappVersion: '9'\ntype: application\n"
    "keywords: [one]\n",
    "values.yaml": "size: 1\ngreeting: hello\nnothing: null\nnested: {a: 1}\n",
    "values.schema.json": '{"type": "object", "properties": {"size": {"type": "integer"}}}',
    "README.md": "# demo\n",
    "templates/NOTES.txt": "Size {{ .Values.size }}, revision {{ .Release.Revision }}.\n",
    "templates/_names.tpl": '{{ define "demo.name" }}{{ .Release.Name }}-demo{{ end }}',
    "templates/config.yaml": """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "demo.name" . }}
  labels:
    helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
data:
  greeting: {{ .Values.greeting | quote }}
  size: {{ .Values.size | quote }}
  multi: |
    one
    two
{{- if gt (int .Values.size) 1 }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "demo.name" . }}-extra
{{- end }}
""",
    "templates/web.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "demo.name" . }}
spec:
  replicas: {{ .Values.size }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.k8s.io/pause:3.10"}]
""",
    "templates/hook.yaml": """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "demo.name" . }}-hook
  annotations:
    helm.sh/hook: pre-install,post-upgrade
    helm.sh/hook-weight: "-5"
    helm.sh/hook-delete-policy: hook-succeeded,before-hook-creation
data: {revision: {{ .Release.Revision | quote }}}
""",
    "templates/tests/probe.yaml": """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "demo.name" . }}-probe
  annotations: {helm.sh/hook: test}
""",
}


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as an archive, packaged by helm."""
    folder = tmp_path_factory.mktemp("charts")
    for name, text in CHART.items():
        path = folder / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(
        [str(HELM), "package", str(folder / "demo"), "-d", str(folder)],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return folder / "demo-1.2.3.tgz"


@dataclass(frozen=True)
class Both:
    """The same release in our hands and in helm's."""

    tools: Tools
    chart: Path
    kubeconfig: Path

    @property
    def namespace(self) -> str:
        return self.tools.storage.namespace

    def content(self, values: dict[str, Any] | None = None) -> Content:
        capabilities = Capabilities("v1.36.0", frozenset({"v1", "apps/v1"}))
        request = RenderRequest(self.chart, "web", self.namespace, capabilities, values or {})
        origin = {f"{GROUP}/name": "web", f"{GROUP}/namespace": self.namespace}
        return Content(request, PostRender(origin=origin))

    async def install(self, **values: Any) -> Release:
        return await install(self.tools, Install(self.content(values), WAIT))

    async def upgrade(self, **values: Any) -> Release:
        return await upgrade(self.tools, Upgrade(self.content(values), WAIT))

    async def helm(self, *args: str) -> str:
        """What it prints; it must succeed."""
        command = [str(HELM), "--kubeconfig", str(self.kubeconfig), "-n", self.namespace, *args]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"helm {' '.join(args)}: {done.stderr}{done.stdout}"
        return str(done.stdout)

    async def listed(self) -> list[tuple[str, str, str, str]]:
        rows = json.loads(await self.helm("list", "-o", "json"))
        return [(row["name"], row["revision"], row["status"], row["chart"]) for row in rows]

    async def data(self, name: str = "web-demo") -> dict[str, str] | None:
        found = await self.tools.client.find(CONFIG_MAP, self.namespace, name)
        return None if found is None else found.get("data") or {}

    async def last(self) -> Release:
        release = await self.tools.storage.last()
        assert release is not None
        return release


@pytest.fixture
async def both(world: World, cluster: Cluster, chart: Path) -> AsyncIterator[Both]:
    tracker = Tracker(world.client, labels=OwnerLabels.of_group(GROUP))
    watching = asyncio.create_task(tracker.run())
    engine = Engine(size=1)
    async with engine.serve():
        storage = Storage(world.client, world.namespace, "web")
        owner = ObjectKey(world.namespace, "web")
        tools = Tools(world.client, Discovery(world.client), tracker, storage, engine, owner)
        yield Both(tools, chart, cluster.kubeconfig)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching


async def test_helm_reads_tests_rolls_back_and_uninstalls_what_we_made(both: Both) -> None:
    await both.install(greeting="hi")
    await both.upgrade(greeting="ho", size=2)

    assert await both.listed() == [("web", "2", "deployed", "demo-1.2.3")]
    history = json.loads(await both.helm("history", "web", "-o", "json"))
    assert [(row["revision"], row["status"], row["description"]) for row in history] == [
        (1, "superseded", "Install complete"),
        (2, "deployed", "Upgrade complete"),
    ]
    everything = await both.helm("get", "all", "web")
    for expected in ("greeting: ho", "Size 2, revision 2.", "name: web-demo-hook", "kind: Deployment"):
        assert expected in everything
    assert json.loads(await both.helm("status", "web", "-o", "json"))["info"]["status"] == "deployed"
    await both.helm("test", "web", "--timeout", "20s")
    assert [hook.last_run.phase for hook in (await both.last()).hooks if "test" in hook.events] == [
        HookPhase.SUCCEEDED
    ]

    # As on any release of a GitOps controller: the fields are another manager's.
    await both.helm("rollback", "web", "1", "--force-conflicts", "--wait", "--timeout", "30s")
    last = await both.last()
    assert (last.version, last.status, last.config) == (3, Status.DEPLOYED, {"greeting": "hi"})
    assert await both.data() == {"greeting": "hi", "size": "1", "multi": "one\ntwo\n"}
    assert await both.data("web-demo-extra") is None

    await both.helm("uninstall", "web", "--wait", "--timeout", "30s")
    assert await both.listed() == []
    assert await both.data() is None


async def test_we_continue_what_helm_made(both: Both) -> None:
    chart = str(both.chart)
    await both.helm("install", "web", chart, "--set", "greeting=hi", "--wait", "--timeout", "30s")
    await both.helm("upgrade", "web", chart, "--set", "greeting=ho,size=2", "--wait", "--timeout", "30s")
    made = await both.last()
    assert (made.version, made.status, made.config) == (2, Status.DEPLOYED, {"greeting": "ho", "size": 2})

    upgraded = await both.upgrade(greeting="hey")
    assert (upgraded.version, upgraded.apply_method) == (3, made.apply_method)
    assert upgraded.info.first_deployed == made.info.first_deployed
    assert (await both.data(), await both.data("web-demo-extra")) == (
        {"greeting": "hey", "size": "1", "multi": "one\ntwo\n"},
        None,
    )
    await run_tests(both.tools, RunTests(WAIT))

    await rollback(both.tools, Rollback(2, WAIT))
    assert await both.listed() == [("web", "4", "deployed", "demo-1.2.3")]
    assert await both.data("web-demo-extra") == {}

    await uninstall(both.tools, Uninstall(WAIT))
    assert await both.listed() == []
    assert await both.data() is None


async def test_a_client_side_release_of_helm_stays_so(both: Both) -> None:
    await both.helm("install", "web", str(both.chart), "--server-side=false", "--timeout", "30s")

    upgraded = await both.upgrade(greeting="hey")

    assert upgraded.apply_method == "csa"
    assert (await both.data() or {})["greeting"] == "hey"


async def test_records_have_the_same_form(both: Both) -> None:
    await both.helm("install", "web", str(both.chart), "--set", "greeting=hi", "--timeout", "30s")
    theirs = render(await both.last())
    await both.helm("uninstall", "web", "--wait", "--timeout", "30s")

    ours = render(await both.install(greeting="hi"))

    assert form(ours) == form(theirs)
    for key in ("name", "namespace", "version", "config", "apply_method"):
        assert ours[key] == theirs[key]
    assert unlabelled(ours["manifest"]) == unlabelled(theirs["manifest"])
    assert {**ours["info"], "first_deployed": "", "last_deployed": ""} == {
        **theirs["info"],
        "first_deployed": "",
        "last_deployed": "",
    }
    assert ours["chart"]["metadata"] == theirs["chart"]["metadata"]
    assert [file["name"] for file in ours["chart"]["templates"]] == [
        file["name"] for file in theirs["chart"]["templates"]
    ]


def unlabelled(manifest: str) -> list[dict[str, Any]]:
    """The objects of a manifest, but for the labels that say which HelmRelease they are of."""
    objects = list(yaml.safe_load_all(manifest))
    for obj in objects:
        labels = obj["metadata"].pop("labels", {})
        obj["metadata"]["labels"] = {key: value for key, value in labels.items() if GROUP not in key}
    return objects


def form(value: Any) -> Any:
    """Keys and types, without what they hold."""
    if isinstance(value, dict):
        return {key: form(item) for key, item in value.items()}
    if isinstance(value, list):
        return [form(item) for item in value]
    return type(value).__name__
