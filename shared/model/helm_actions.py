"""How a HelmRelease wants each act on its release to be done (specs/helm.md 1.4-1.7).

Defaults that live in code are filled in by `parse`; the release's `timeout` is the default of each.
Words that only the actions understand (`crds`, `server_side`, `propagation`) stay words here: the schema
bounds them, and the requests of the actions type them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

from shared.model.duration import parse_duration

_RETRY_INTERVAL = timedelta(minutes=5)


class DriftMode(StrEnum):
    ENABLED = "enabled"
    WARN = "warn"
    DISABLED = "disabled"


class StrategyName(StrEnum):
    """What follows a failed install or upgrade."""

    REMEDIATE = "RemediateOnFailure"
    RETRY = "RetryOnFailure"


class RemediationStrategy(StrEnum):
    ROLLBACK = "rollback"
    UNINSTALL = "uninstall"


@dataclass(frozen=True, slots=True)
class Strategy:
    """`name` None means that nothing is said, and the controller's default holds."""

    name: StrategyName | None
    retry_interval: timedelta

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        name, interval = raw.get("name"), raw.get("retryInterval")
        return cls(
            StrategyName(name) if name else None, parse_duration(interval) if interval else _RETRY_INTERVAL
        )


@dataclass(frozen=True, slots=True)
class Remediation:
    """`retries` counts further attempts; negative is unlimited."""

    retries: int
    ignore_test_failures: bool
    remediate_last_failure: bool
    strategy: RemediationStrategy

    def exhausted(self, failures: int) -> bool:
        return 0 <= self.retries < failures

    @classmethod
    def for_install(cls, raw: Mapping[str, Any], test: TestSpec) -> Self:
        return cls(
            _retries(raw),
            _given(raw, "ignoreTestFailures", default=test.ignore_failures),
            _given(raw, "remediateLastFailure", default=False),
            RemediationStrategy.UNINSTALL,
        )

    @classmethod
    def for_upgrade(cls, raw: Mapping[str, Any], test: TestSpec) -> Self:
        retries = _retries(raw)
        return cls(
            retries,
            _given(raw, "ignoreTestFailures", default=test.ignore_failures),
            _given(raw, "remediateLastFailure", default=retries > 0),
            RemediationStrategy(raw.get("strategy") or RemediationStrategy.ROLLBACK),
        )


@dataclass(frozen=True, slots=True)
class Waits:
    """What an action waits for, and whether it runs hooks."""

    timeout: timedelta
    disable_wait: bool
    disable_wait_for_jobs: bool
    disable_hooks: bool

    @classmethod
    def parse(cls, raw: Mapping[str, Any], timeout: timedelta) -> Self:
        return cls(
            _timeout(raw, timeout),
            bool(raw.get("disableWait")),
            bool(raw.get("disableWaitForJobs")),
            bool(raw.get("disableHooks")),
        )


@dataclass(frozen=True, slots=True)
class Checks:
    """What is not checked, and whose objects are taken over."""

    disable_take_ownership: bool
    disable_openapi_validation: bool
    disable_schema_validation: bool

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(
            bool(raw.get("disableTakeOwnership")),
            bool(raw.get("disableOpenAPIValidation")),
            bool(raw.get("disableSchemaValidation")),
        )


@dataclass(frozen=True, slots=True)
class InstallSpec:
    waits: Waits
    checks: Checks
    strategy: Strategy
    remediation: Remediation
    replace: bool
    create_namespace: bool
    crds: str
    server_side: bool | None

    @classmethod
    def parse(cls, raw: Mapping[str, Any], timeout: timedelta, test: TestSpec) -> Self:
        return cls(
            waits=Waits.parse(raw, timeout),
            checks=Checks.parse(raw),
            strategy=Strategy.parse(raw.get("strategy") or {}),
            remediation=Remediation.for_install(raw.get("remediation") or {}, test),
            replace=bool(raw.get("replace")),
            create_namespace=bool(raw.get("createNamespace")),
            crds=raw.get("crds") or "Create",
            server_side=raw.get("serverSideApply"),
        )


@dataclass(frozen=True, slots=True)
class UpgradeSpec:
    waits: Waits
    checks: Checks
    strategy: Strategy
    remediation: Remediation
    force: bool
    preserve_values: bool
    cleanup_on_fail: bool
    crds: str
    server_side: str
    reinstall_on_chart_change: bool

    @classmethod
    def parse(cls, raw: Mapping[str, Any], timeout: timedelta, test: TestSpec) -> Self:
        return cls(
            waits=Waits.parse(raw, timeout),
            checks=Checks.parse(raw),
            strategy=Strategy.parse(raw.get("strategy") or {}),
            remediation=Remediation.for_upgrade(raw.get("remediation") or {}, test),
            force=bool(raw.get("force")),
            preserve_values=bool(raw.get("preserveValues")),
            cleanup_on_fail=bool(raw.get("cleanupOnFail")),
            crds=raw.get("crds") or "Create",
            server_side=raw.get("serverSideApply") or "auto",
            reinstall_on_chart_change=raw.get("chartNameChangeStrategy", "Reinstall") == "Reinstall",
        )


@dataclass(frozen=True, slots=True)
class TestFilter:
    __test__ = False

    name: str
    exclude: bool


@dataclass(frozen=True, slots=True)
class TestSpec:
    __test__ = False

    enable: bool
    timeout: timedelta
    ignore_failures: bool
    filters: tuple[TestFilter, ...]

    @classmethod
    def parse(cls, raw: Mapping[str, Any], timeout: timedelta) -> Self:
        return cls(
            bool(raw.get("enable")),
            _timeout(raw, timeout),
            bool(raw.get("ignoreFailures")),
            tuple(TestFilter(item["name"], bool(item.get("exclude"))) for item in raw.get("filters") or ()),
        )


@dataclass(frozen=True, slots=True)
class RollbackSpec:
    """`recreate` has no effect any more; it is only warned of."""

    waits: Waits
    recreate: bool
    force: bool
    cleanup_on_fail: bool
    server_side: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any], timeout: timedelta) -> Self:
        return cls(
            Waits.parse(raw, timeout),
            bool(raw.get("recreate")),
            bool(raw.get("force")),
            bool(raw.get("cleanupOnFail")),
            raw.get("serverSideApply") or "auto",
        )


@dataclass(frozen=True, slots=True)
class UninstallSpec:
    timeout: timedelta
    disable_hooks: bool
    keep_history: bool
    disable_wait: bool
    propagation: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any], timeout: timedelta) -> Self:
        return cls(
            _timeout(raw, timeout),
            bool(raw.get("disableHooks")),
            bool(raw.get("keepHistory")),
            bool(raw.get("disableWait")),
            raw.get("deletionPropagation") or "background",
        )


def _timeout(raw: Mapping[str, Any], default: timedelta) -> timedelta:
    return parse_duration(raw["timeout"]) if raw.get("timeout") else default


def _retries(raw: Mapping[str, Any]) -> int:
    return int(raw.get("retries") or 0)


def _given(raw: Mapping[str, Any], field: str, *, default: bool) -> bool:
    value = raw.get(field)
    return default if value is None else bool(value)
