"""`kustomize build` as a process, ours beside genuine kubectl's: the same bytes, and what they cost."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.e2e.processes import ROOT
from tests.peers import find

RUNS = 5
_LONGEST = 300.0


@dataclass(frozen=True)
class Run:
    """Seconds, and what was printed."""

    wall: float
    user: float
    output: bytes


def build_figures(objects: int) -> dict[str, float]:
    """Medians of a few runs for one overlay of that many objects."""
    with tempfile.TemporaryDirectory(prefix="headwater-build-") as folder:
        overlay = _overlay(Path(folder), objects)
        ours = _measure([sys.executable, "-m", "shared.kustomize", str(overlay)])
        figures = {"objects": float(objects)} | _named("ours", ours)
        kubectl = find("kubectl")
        if kubectl is None:
            return figures
        theirs = _measure([str(kubectl), "kustomize", str(overlay)])
        same = float(ours[0].output == theirs[0].output)
        return figures | _named("kubectl", theirs) | {"the same bytes (1: yes)": same}


def _measure(argv: Sequence[str]) -> list[Run]:
    return [_run(argv) for _ in range(RUNS + 1)][1:]


def _run(argv: Sequence[str]) -> Run:
    before, started = os.times(), time.monotonic()
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True, timeout=_LONGEST)
    return Run(time.monotonic() - started, os.times().children_user - before.children_user, done.stdout)


def _named(who: str, runs: Sequence[Run]) -> dict[str, float]:
    return {
        f"{who}: wall s": statistics.median(run.wall for run in runs),
        f"{who}: user CPU s": statistics.median(run.user for run in runs),
    }


def _overlay(folder: Path, objects: int) -> Path:
    """A base of Deployments and ConfigMaps below an overlay that labels, renames and patches them."""
    base, overlay = folder / "base", folder / "overlay"
    base.mkdir()
    overlay.mkdir()
    documents = []
    for number in range(objects // 2):
        labels = {"app": f"app-{number}"}
        container = {
            "name": "web",
            "image": "example/web:1",
            "envFrom": [{"configMapRef": {"name": f"c-{number}"}}],
        }
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        documents += [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": f"c-{number}"},
                "data": {"k": "v"},
            },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": f"app-{number}"},
                "spec": {"selector": {"matchLabels": labels}, "template": template},
            },
        ]
    (base / "all.yaml").write_text(yaml.safe_dump_all(documents))
    (base / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["all.yaml"]}))
    kustomization = {
        "resources": ["../base"],
        "namePrefix": "prod-",
        "namespace": "prod",
        "labels": [{"pairs": {"tier": "web"}, "includeSelectors": True}],
        "images": [{"name": "example/web", "newTag": "2"}],
        "patches": [
            {
                "target": {"kind": "Deployment"},
                "patch": '[{"op": "add", "path": "/spec/replicas", "value": 3}]',
            }
        ],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return overlay
