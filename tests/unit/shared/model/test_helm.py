"""Defaults and derived names of HelmRelease (specs/helm.md 1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.model.helm import HelmRelease, shortened
from shared.model.helm_actions import DriftMode, RemediationStrategy
from tests.unit.controllers.helm.releases import helm_release


def parsed(**spec: Any) -> HelmRelease:
    return HelmRelease.parse(helm_release(**spec))


@pytest.mark.parametrize(
    ("spec", "name", "namespace", "storage"),
    [
        ({}, "web", "apps", "apps"),
        ({"targetNamespace": "shop"}, "shop-web", "shop", "apps"),
        ({"targetNamespace": "shop", "releaseName": "x"}, "x", "shop", "apps"),
        ({"storageNamespace": "records"}, "web", "apps", "records"),
    ],
)
def test_names(spec: dict[str, Any], name: str, namespace: str, storage: str) -> None:
    found = parsed(**spec)
    assert (found.release_name, found.release_namespace, found.storage_namespace) == (
        name,
        namespace,
        storage,
    )


def test_long_names_keep_apart() -> None:
    one, other = "x" * 60, "x" * 61
    assert len(shortened(one)) == len(shortened(other)) == 53
    assert shortened(one) != shortened(other)
    assert shortened("y" * 53) == "y" * 53


def test_nothing_said_means_what_flux_means() -> None:
    found = parsed()
    assert (found.timeout, found.max_history) == (timedelta(minutes=5), 5)
    assert found.drift.mode is DriftMode.DISABLED
    assert (found.install.crds, found.upgrade.crds) == ("Create", "Create")
    assert (found.install.server_side, found.upgrade.server_side) == (None, "auto")
    assert found.upgrade.remediation.strategy is RemediationStrategy.ROLLBACK
    assert not found.upgrade.remediation.remediate_last_failure
    assert found.upgrade.reinstall_on_chart_change
    assert found.uninstall.propagation == "background"
    assert found.persistent_client


def test_timeouts_are_inherited() -> None:
    found = parsed(timeout="90s", upgrade={"timeout": "2m"})
    assert found.install.waits.timeout == found.test.timeout == timedelta(seconds=90)
    assert found.upgrade.waits.timeout == timedelta(minutes=2)


def test_what_follows_a_failure() -> None:
    found = parsed(
        test={"ignoreFailures": True},
        install={"remediation": {"retries": 2}},
        upgrade={"remediation": {"retries": 2, "ignoreTestFailures": False}},
    )
    install, upgrade = found.install.remediation, found.upgrade.remediation
    assert install.strategy is RemediationStrategy.UNINSTALL
    assert (install.ignore_test_failures, upgrade.ignore_test_failures) == (True, False)
    assert (install.remediate_last_failure, upgrade.remediate_last_failure) == (False, True)
    assert [upgrade.exhausted(failures) for failures in (2, 3)] == [False, True]
    assert not parsed(upgrade={"remediation": {"retries": -1}}).upgrade.remediation.exhausted(99)


@pytest.mark.parametrize(
    ("values", "told"),
    [([1], "not a mapping"), ("x", "not a mapping")],
)
def test_values_that_are_none(values: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        parsed(values=values)


def test_values_are_not_nested_without_end() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = {"a": [deep]}
    with pytest.raises(ValueError, match="levels deep"):
        parsed(values=deep)
    assert parsed(values={"a": [{"b": {}}] * 1_000, "c": []}).values["c"] == []
