"""Messages, word for word as Flux's tools know them (specs/helm.md 3, 19)."""

from __future__ import annotations

from dataclasses import replace

from controllers.helm import telling
from controllers.helm.snapshots import Action, Snapshot, TestRun
from controllers.helm.telling import About, StageLog
from shared.model.helm import HelmRelease
from tests.unit.controllers.helm.releases import helm_release, release

MADE = Snapshot.of(release(3), Action.UPGRADE, "sha256:aa")
LONG = "a-name-that-is-far-too-long-for-helm-and-so-it-has-to-be-shortened"


def test_messages() -> None:
    hr = HelmRelease.parse(helm_release(targetNamespace="shop"))
    said = {
        telling.release_failed(hr, "install", "podinfo@1.2.3", "no luck"): (
            "Helm install failed for release shop/shop-web with chart podinfo@1.2.3: no luck"
        ),
        telling.succeeded(
            "upgrade", MADE
        ): "Helm upgrade succeeded for release apps/web.v3 with chart podinfo@1.2.3",
        telling.awaiting_tests(MADE): "Helm release apps/web.v3 with chart podinfo@1.2.3 is awaiting tests",
        telling.rolled_back(MADE): (
            "Helm rollback to previous release apps/web.v3 with chart podinfo@1.2.3 succeeded"
        ),
        telling.rolled_back(MADE, "x"): (
            "Helm rollback to previous release apps/web.v3 with chart podinfo@1.2.3 failed: x"
        ),
        telling.remediated_by_uninstall(MADE): (
            "Helm uninstall remediation for release apps/web.v3 with chart podinfo@1.2.3 succeeded"
        ),
        telling.unlocked(MADE, "pending-upgrade"): (
            "Unlocked Helm release apps/web.v3 with chart podinfo@1.2.3 in pending-upgrade state"
        ),
        telling.unlocked(MADE, "pending-upgrade", "x"): (
            "Unlock of Helm release apps/web.v3 with chart podinfo@1.2.3 in pending-upgrade state failed: x"
        ),
    }
    for found, expected in said.items():
        assert found == expected


def test_how_many_tests() -> None:
    ends = {
        0: "no test hooks",
        1: "1 test hook completed successfully",
        2: "2 test hooks completed successfully",
    }
    for count, end in ends.items():
        tests = {str(number): TestRun("Succeeded") for number in range(count)}
        assert telling.tests_succeeded(replace(MADE, tests=tests)).endswith(f"podinfo@1.2.3: {end}")


def test_long_names_are_whole_in_failures_and_short_in_helm() -> None:
    hr = HelmRelease.parse(helm_release(name=LONG))
    assert LONG in telling.release_failed(hr, "install", "c@1", "x")
    assert (len(hr.short_name), hr.short_name[:41]) == (53, LONG[:40] + "-")


def test_events_say_which_chart_and_values() -> None:
    assert About.snapshot(MADE).metadata == {
        "helm.toolkit.fluxcd.io/revision": "1.2.3",
        "helm.toolkit.fluxcd.io/token": MADE.config_digest,
        "helm.toolkit.fluxcd.io/app-version": "6",
        "helm.toolkit.fluxcd.io/oci-digest": "sha256:aa",
    }


def test_the_last_ten_lines_are_kept_and_repeats_counted() -> None:
    log = StageLog()
    assert log.appendix() == ""
    for number in range(12):
        log.note(f"line {number}")
    log.note("line 11")
    lines = log.appendix().splitlines()
    assert lines[2] == "Last Helm logs:"
    assert len(lines) == 14
    assert lines[4].endswith(": line 2")
    assert lines[-1].endswith(": line 11 (repeated 2 times)")
