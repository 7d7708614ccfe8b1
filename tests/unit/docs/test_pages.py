"""The pages say what the code offers: every flag, every field, every metric, and none that is not there."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from controllers.notification.measures import Measures
from controllers.source.charts.measures import CacheMeasures
from shared.runtime.metrics import Metrics
from tests.unit.deploy.files import crd, schema

DOCS = Path(__file__).resolve().parents[3] / "docs"
FLAG = re.compile(r"`--([A-Za-z0-9-]+)`")


def offered_flags(controller: str) -> set[str]:
    settings = importlib.import_module(f"controllers.{controller.replace('-', '_')}.settings").Settings
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), pytest.raises(SystemExit):
        settings.from_process(["--help"], {})
    return set(re.findall(r"--([A-Za-z0-9-]+)", shown.getvalue())) - {"help"}


def section(page: str, heading: str) -> str:
    text = (DOCS / page).read_text()
    found = re.search(rf"^### {heading}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


@pytest.mark.parametrize("controller", ["source", "kustomize", "helm", "image-automation", "notification"])
def test_every_flag_is_explained(controller: str) -> None:
    explained = {
        flag
        for heading in ("Every controller", f"{controller}-controller")
        for row in section("operations.md", heading).splitlines()
        for flag in FLAG.findall(row.split("|")[1] if row.startswith("|") else "")
    }
    assert explained == offered_flags(controller)


def test_every_flag_of_localcluster_is_explained() -> None:
    command = [sys.executable, "-m", "localcluster", "--help"]
    shown = subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True, check=True, timeout=30)
    rows = [row for row in (DOCS / "localcluster.md").read_text().splitlines() if row.startswith("| `--")]
    explained = {flag for row in rows for flag in re.findall(r"--([a-z-]+)", row.split("|")[1])}
    assert explained == set(re.findall(r"--([a-z-]+)", shown.stdout)) - {"help"}


@pytest.mark.parametrize(
    ("page", "plural"),
    [
        ("gitrepository.md", "gitrepositories"),
        ("ocirepository.md", "ocirepositories"),
        ("bucket.md", "buckets"),
        ("helmrepository.md", "helmrepositories"),
        ("helmchart.md", "helmcharts"),
        ("externalartifact.md", "externalartifacts"),
        ("artifactgenerator.md", "artifactgenerators"),
        ("kustomization.md", "kustomizations"),
        ("helmrelease.md", "helmreleases"),
        ("imagerepository.md", "imagerepositories"),
        ("imagepolicy.md", "imagepolicies"),
        ("imageupdateautomation.md", "imageupdateautomations"),
        *(("notification.md", plural) for plural in ("alerts", "providers", "receivers")),
    ],
)
def test_every_field_is_explained(page: str, plural: str) -> None:
    rows = [row.split("|")[1] for row in (DOCS / page).read_text().splitlines() if row.startswith("| `")]
    explained = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    fields = schema(crd(plural))["properties"]["spec"]["properties"].keys()
    assert fields - explained == set()


def test_every_metric_is_explained() -> None:
    text = (DOCS / "operations.md").read_text()
    explained = set(
        re.findall(r"`((?:gotk|headwater|controller_runtime|workqueue|rest_client|leader)_\w+)`", text)
    )
    registry = Metrics().registry
    Measures(registry, with_paths=False)
    CacheMeasures(registry)
    families = {family.name: family.type for family in registry.collect()}
    offered = {
        f"{name}_total" if kind == "counter" else name
        for name, kind in families.items()
        if not name.startswith(("process_", "python_"))
    }
    assert explained == offered
