"""Rendering beside genuine Helm: the same manifest, hooks, notes and record of the chart.

Differences between the library (4.2) and the command line (4.1) that are left out of the comparison: white
space at the end of a document, which 4.2 keeps.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.charts.capabilities import Capabilities
from shared.charts.engine import Engine, RenderRequest
from shared.charts.rendered import Rendered
from shared.charts.values import ValuesPart, compose
from tests import peers
from tests.charts import about, written
from tests.conformance.helm_charts import CASES, Case

pytest.importorskip("helm_python", reason="the Helm library is not installed (extra 'helm')")

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLUSTER = Capabilities("v1.35.0", frozenset({"v1", "apps/v1", "apps/v1/Deployment", "batch/v1"}))
CASE = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture
def helm() -> Path:
    binary = peers.find("helm")
    if binary is None:
        pytest.skip("no genuine helm (`make peers` fetches it)")
    return binary


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(size=1)
    async with engine.serve():
        yield engine


async def rendered(engine: Engine, chart: Path, case: Case) -> Rendered:
    return await engine.render(
        RenderRequest(
            chart,
            "demo",
            "shop",
            CLUSTER,
            case.values,
            revision=2 if case.upgrade else 1,
            is_upgrade=case.upgrade,
        )
    )


def genuine(helm: Path, folder: Path, *arguments: str) -> str:
    home = {name: str(folder) for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HOME")}
    done = subprocess.run(
        [helm, *arguments], env=home, capture_output=True, text=True, timeout=60, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def documents(manifest: str) -> list[str]:
    return [part.rstrip() for part in re.split(r"(?m)^---\n(?=# Source: )", manifest) if part.strip()]


@CASE
async def test_a_release_as_helm_would_record_it(
    engine: Engine, helm: Path, tmp_path: Path, case: Case
) -> None:
    chart = written(tmp_path, case.files)
    values = tmp_path / "values.json"
    values.write_text(json.dumps(dict(case.values)))

    ours = await rendered(engine, chart, Case(case.files, case.values))
    theirs = json.loads(
        genuine(helm, tmp_path, "install", "demo", str(chart), "--namespace", "shop", "--dry-run=client",
                "--output", "json", "--values", str(values))
    )  # fmt: skip

    assert documents(ours.manifest) == documents(theirs.get("manifest", ""))
    assert [trimmed(hook.record()) for hook in ours.hooks] == [
        trimmed(hook) for hook in theirs.get("hooks") or []
    ]
    assert ours.chart == theirs["chart"]
    assert (ours.config or None) == theirs.get("config")
    assert ours.notes == theirs["info"].get("notes", "")


@CASE
async def test_what_helm_template_prints(engine: Engine, helm: Path, tmp_path: Path, case: Case) -> None:
    chart = written(tmp_path, case.files)
    values = tmp_path / "values.json"
    values.write_text(json.dumps(dict(case.values)))
    versions = [f"--api-versions={version}" for version in sorted(CLUSTER.api_versions)]
    upgrade = ["--is-upgrade"] if case.upgrade else []

    ours = await rendered(engine, chart, case._replace(upgrade=case.upgrade))
    theirs = genuine(
        helm, tmp_path, "template", "demo", str(chart), "--namespace", "shop", "--include-crds",
        "--kube-version", CLUSTER.kube_version, "--values", str(values), *versions, *upgrade,
    )  # fmt: skip

    crds = [f"# Source: {crd.filename}\n{crd.data}".rstrip() for crd in ours.crds]
    hooks = [f"# Source: {hook.path}\n{hook.manifest}".rstrip() for hook in ours.hooks]
    assert sorted(crds + documents(ours.manifest) + hooks) == sorted(documents(theirs))


def trimmed(hook: dict[str, Any]) -> dict[str, Any]:
    return hook | {"manifest": hook["manifest"].rstrip()}


@CASE
async def test_each_byte_of_the_manifest_is_the_librarys(engine: Engine, tmp_path: Path, case: Case) -> None:
    """Of the same version, so with white space; but the library's dry run cannot be told of a cluster."""
    chart = written(tmp_path, case.files)
    values = json.dumps(dict(case.values))
    script = [sys.executable, "-m", "tests.conformance.helm_library", str(chart), values]
    theirs = subprocess.run(script, capture_output=True, timeout=60, check=True).stdout.decode()
    everything = Capabilities("v1.36.0", CLUSTER.api_versions)

    ours = await engine.render(RenderRequest(chart, "demo", "shop", everything, case.values))

    assert ours.manifest == theirs


PRINTED = """\
{{- range $k, $v := .Values }}
{{ $k }}: {{ $v | toString | quote }} # {{ typeOf $v }} {{ toJson $v }}
{{- end }}
"""
SETTINGS = {
    "a whole number": ("id", "123456789012"),
    "a negative one": ("a.b.id", "-5"),
    "beyond 64 bits": ("id", "99999999999999999999"),
    "a fraction": ("x", "1.5"),
    "words": ("x", "true"),
    "null removes a default": ("gone", "null"),
    "a list": ("x", "{a,b,true}"),
    "an item of a list": ("list[1].port", "8080"),
    "two keys": ("x", "1,y.z=2"),
    "an escaped dot": (r"with\.dot.x", "1"),
    "an escaped comma": ("x", r"a\,b"),
    "nothing": ("x", ""),
    "a date": ("x", "2024-05-06"),
    "an octal": ("x", "0644"),
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
async def test_a_target_path_is_as_set(
    engine: Engine, helm: Path, tmp_path: Path, setting: tuple[str, str]
) -> None:
    path, value = setting
    files = {
        "Chart.yaml": about(),
        "values.yaml": "gone: 1\nlist: [{port: 1}]\n",
        "templates/a.yaml": PRINTED,
    }
    chart = written(tmp_path, files)
    values = compose([ValuesPart(value, path)], {})

    ours = await engine.render(RenderRequest(chart, "demo", "shop", CLUSTER, values))
    theirs = genuine(helm, tmp_path, "template", "demo", str(chart), "--set", f"{path}={value}")

    assert documents(ours.manifest) == documents(theirs)


CREATED: dict[str, dict[str, Any]] = {
    "as it is": {},
    "ingress": {"ingress": {"enabled": True, "hosts": [{"host": "a.b", "paths": [{"path": "/", "pathType": "Prefix"}]}]}},
    "gateway": {"httpRoute": {"enabled": True}},
    "autoscaling": {"autoscaling": {"enabled": True, "minReplicas": 2, "targetMemoryUtilizationPercentage": 70}},
    "names": {"fullnameOverride": "x" * 80, "serviceAccount": {"create": False, "name": "own"}},
    "pods": {
        "replicaCount": 1000000,
        "podAnnotations": {"a/b": "1", "c": "true"},
        "securityContext": {"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}},
        "livenessProbe": None,
        "tolerations": [{"key": "k", "operator": "Exists"}],
        "nodeSelector": {"zone": "a"},
    },
}  # fmt: skip


@pytest.mark.parametrize("values", CREATED.values(), ids=CREATED)
async def test_the_chart_that_helm_creates(
    engine: Engine, helm: Path, tmp_path: Path, values: dict[str, Any]
) -> None:
    genuine(helm, tmp_path, "create", "created")
    genuine(helm, tmp_path, "package", "created")
    chart = tmp_path / "created-0.1.0.tgz"
    (tmp_path / "values.json").write_text(json.dumps(values))

    ours = await engine.render(RenderRequest(chart, "demo", "shop", CLUSTER, values))
    theirs = json.loads(
        genuine(helm, tmp_path, "install", "demo", str(chart), "--namespace", "shop", "--dry-run=client",
                "--output", "json", "--values", "values.json")
    )  # fmt: skip

    assert documents(ours.manifest) == documents(theirs["manifest"])
    assert [trimmed(hook.record()) for hook in ours.hooks] == [trimmed(hook) for hook in theirs["hooks"]]
    assert ours.chart == theirs["chart"]
    assert ours.notes == theirs["info"]["notes"]
