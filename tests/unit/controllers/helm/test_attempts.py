"""When counters start again, when a release has moved, and what of a spec becomes a HelmChart."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.helm.chart_template import desired
from controllers.helm.digests import config_digest
from controllers.helm.drift import Rules
from controllers.helm.drift_changes import Changes, changes
from controllers.helm.reconciler import note_attempt, why_moved
from controllers.helm.session import Plan
from controllers.helm.settings import Settings
from controllers.helm.snapshots import Action, Snapshot
from shared.logic.drift_ignore import InvalidIgnoreRule
from shared.model.artifact import Artifact
from shared.model.helm import HelmRelease
from shared.model.meta import ObjectKey
from tests.unit.controllers.helm.releases import helm_release, release
from tests.unit.controllers.helm.test_conditions import report

PLAN = Plan(
    artifact=Artifact("http://x/a", "a", "1", "sha256:aa"),
    chart_name="podinfo",
    version="1.2.3",
    renamed=False,
    app_version="",
    oci_digest="",
    values={},
    values_digest=config_digest({}),
)
TRIED = {
    "lastAttemptedGeneration": 1,
    "lastAttemptedRevision": "1.2.3",
    "lastAttemptedConfigDigest": config_digest({}),
    "upgradeFailures": 3,
    "failures": 4,
}


@pytest.mark.parametrize(
    ("status", "annotations", "kept"),
    [
        pytest.param({}, {}, True, id="the same again"),
        pytest.param({"lastAttemptedGeneration": 0}, {}, False, id="another spec"),
        pytest.param({"lastAttemptedRevision": "1.2.2"}, {}, False, id="another chart"),
        pytest.param({"lastAttemptedConfigDigest": "sha256:x"}, {}, False, id="other values"),
        pytest.param({}, {"requestedAt": "a"}, True, id="a request is no reset"),
        pytest.param({}, {"requestedAt": "a", "resetAt": "a"}, False, id="a reset"),
    ],
)
def test_counters(status: dict[str, Any], annotations: dict[str, str], kept: bool) -> None:
    obj = helm_release()
    obj["metadata"]["annotations"] = {
        f"reconcile.fluxcd.io/{key}": value for key, value in annotations.items()
    }
    hr = HelmRelease.parse(obj)
    found = report(obj, **TRIED | {"lastReleaseRevision": 7} | status)
    note_attempt(hr, found, PLAN)
    assert found.status.get("upgradeFailures") == (3 if kept else None)
    assert found.status["storageNamespace"] == "apps"
    assert "lastReleaseRevision" not in found.status


@pytest.mark.parametrize(
    ("spec", "storage", "chart", "why"),
    [
        ({}, "apps", "podinfo", ""),
        ({}, "other", "podinfo", "storage namespace changed from 'other' to 'apps'"),
        (
            {"targetNamespace": "shop", "releaseName": "web"},
            "apps",
            "podinfo",
            "target namespace changed from 'apps' to 'shop'",
        ),
        ({"releaseName": "x"}, "apps", "podinfo", "release name changed from 'web' to 'x'"),
        ({}, "apps", "redis", "chart name changed from 'podinfo' to 'redis'"),
        ({"upgrade": {"chartNameChangeStrategy": "InPlaceUpdate"}}, "apps", "redis", ""),
    ],
)
def test_moves(spec: dict[str, Any], storage: str, chart: str, why: str) -> None:
    hr = HelmRelease.parse(helm_release(**spec))
    assert why_moved(hr, storage, Snapshot.of(release(), Action.INSTALL), chart) == why


def test_a_template_becomes_a_helm_chart() -> None:
    template = {
        "metadata": {"labels": {"a": "b", "helm.toolkit.fluxcd.io/name": "forged"}},
        "spec": {
            "chart": "podinfo",
            "version": "6.x",
            "sourceRef": {"kind": "HelmRepository", "name": "repo", "namespace": "sources"},
            "valuesFiles": ["a.yaml"],
            "verify": {"provider": "cosign", "secretRef": {"name": "keys"}},
        },
    }
    hr = HelmRelease.parse(helm_release(chart=template))
    assert hr.chart_key == ObjectKey("sources", "apps-web")
    made = desired(hr, hr.chart_key)
    assert made["metadata"]["labels"] == {
        "a": "b",
        "helm.toolkit.fluxcd.io/name": "web",
        "helm.toolkit.fluxcd.io/namespace": "apps",
    }
    assert made["spec"] == {
        "chart": "podinfo",
        "version": "6.x",
        "sourceRef": {"kind": "HelmRepository", "name": "repo"},
        "interval": "10m0s",
        "reconcileStrategy": "ChartVersion",
        "valuesFiles": ["a.yaml"],
        "verify": {"provider": "cosign", "secretRef": {"name": "keys"}},
    }


@pytest.mark.parametrize(
    ("live", "wanted", "counted"),
    [
        ({}, {}, Changes()),
        ({"spec": {"a": 1}}, {"spec": {"a": 2, "b": [1]}}, Changes(1, 1, 0)),
        ({"spec": {"a": [1, 2, 3]}}, {"spec": {"a": [1]}}, Changes(0, 0, 2)),
        ({"data": {"a": True}}, {"data": {"a": 1}}, Changes(0, 1, 0)),
        ({"status": {"x": 1}}, {}, Changes()),
    ],
)
def test_how_much_has_changed(live: dict[str, Any], wanted: dict[str, Any], counted: Changes) -> None:
    named = {"metadata": {"name": "x"}}
    assert changes(named | live, named | wanted) == counted


def test_labels_of_others_are_no_drift() -> None:
    live = {"metadata": {"labels": {"a": "b", "c": "d"}}}
    assert changes(live, {"metadata": {"labels": {"a": "x"}}}) == Changes(0, 1, 0)


def test_the_empty_path_leaves_out_the_whole_object() -> None:
    rules = Rules.parse([{"paths": ["", "/data"], "target": {"kind": "Secret"}}, {"paths": ["/spec/a"]}])
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}
    assert rules.leave_out(secret)
    assert not rules.leave_out({**secret, "kind": "ConfigMap"})
    assert len(rules.ignore.paths_for(secret).paths) == 2
    with pytest.raises(InvalidIgnoreRule):
        Rules.parse([{"paths": ["spec"]}])


def test_flags_mean_what_flux_means() -> None:
    found = Settings.from_process([], {})
    assert (found.runtime.concurrent, found.http_retry) == (4, 9)
    assert found.grace.total_seconds() == 600
    assert (found.release.algorithm, found.release.override_managers) == ("sha256", ())
    assert not any((found.release.allow_dns, found.release.helm3_defaults, found.release.retry_by_default))
    given = Settings.from_process(
        ["--feature-gates=AllowDNSLookups=true,UseHelm3Defaults=true", "--snapshot-digest-algo=sha512"], {}
    )
    assert (given.release.allow_dns, given.release.helm3_defaults) == (True, True)
    assert given.release.algorithm == "sha512"


@pytest.mark.parametrize("flag", ["--snapshot-digest-algo=md4", "--default-kubeconfig-service-account=x"])
def test_flags_that_make_no_sense_end_the_process(flag: str) -> None:
    with pytest.raises(SystemExit, match="helm-controller: "):
        Settings.from_process([flag], {})
