"""Release records and HelmReleases for the tests of what judges them."""

from __future__ import annotations

from typing import Any

from controllers.helm.release.record import Hook, HookPhase, HookRun, Info, Release, Status

MOMENT = "2026-01-02T03:04:05.123456789Z"


def release(version: int = 1, status: Status = Status.DEPLOYED, **changes: Any) -> Release:
    given: dict[str, Any] = {
        "name": "web",
        "namespace": "apps",
        "version": version,
        "info": Info(status, "Install complete", MOMENT, MOMENT),
        "chart": {"metadata": {"name": "podinfo", "version": "1.2.3", "appVersion": "6", "apiVersion": "v2"}},
        "config": {"replicas": 2},
        "manifest": "---\n# Source: podinfo/templates/cm.yaml\napiVersion: v1\nkind: ConfigMap\n",
    }
    return Release(**given | changes)


def test_hook(name: str, phase: HookPhase) -> Hook:
    run = HookRun(phase, MOMENT, MOMENT)
    return Hook(name, "Pod", f"podinfo/templates/tests/{name}.yaml", "kind: Pod\n", ("test",), last_run=run)


test_hook.__test__ = False  # type: ignore[attr-defined]


def helm_release(namespace: str = "apps", name: str = "web", **spec: Any) -> dict[str, Any]:
    chart = {} if "chart" in spec else {"chartRef": {"kind": "OCIRepository", "name": "podinfo"}}
    return {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": name, "namespace": namespace, "generation": 1, "uid": "u"},
        "spec": {"interval": "10m", **chart, **spec},
    }
