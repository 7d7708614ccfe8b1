"""One attempt's view of one release: what is wanted, what acts, and what is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controllers.helm.actions.toolbox import Tools
from controllers.helm.chart_files import ChartFiles
from controllers.helm.decide import Attempts
from controllers.helm.memory import Interruption, Remembered
from controllers.helm.recording import Written
from controllers.helm.release.record import Release
from controllers.helm.snapshots import Action, History, Snapshot
from controllers.helm.telling import About, StageLog
from shared.kube.health import StatusReader
from shared.model.artifact import Artifact
from shared.model.helm import HelmRelease
from shared.model.helm_actions import Strategy, StrategyName
from shared.runtime.report import Report

_COUNTERS = ("failures", "installFailures", "upgradeFailures")


@dataclass(frozen=True, slots=True)
class ReleaseOptions:
    """What the process was told by its flags and gates. `algorithm` is that of the snapshots' digests."""

    algorithm: str
    override_managers: tuple[str, ...]
    allow_dns: bool
    helm3_defaults: bool
    retry_by_default: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What the release is to be. `version` is as recorded; `renamed` says that Chart.yaml has another."""

    artifact: Artifact
    chart_name: str
    version: str
    renamed: bool
    app_version: str
    oci_digest: str
    values: Mapping[str, Any]
    values_digest: str

    @property
    def chart(self) -> str:
        return f"{self.chart_name}@{self.version}"

    @property
    def about(self) -> About:
        return About(self.version, self.values_digest, self.app_version, self.oci_digest)


@dataclass(slots=True)
class Session:
    """`written` is what the actions stored; `log` what they said; `interruption` ends their waits."""

    hr: HelmRelease
    report: Report
    plan: Plan
    tools: Tools
    charts: ChartFiles
    memory: Remembered
    options: ReleaseOptions
    written: Written
    log: StageLog
    reader: StatusReader | None = None
    interruption: Interruption = field(default_factory=Interruption)

    @property
    def history(self) -> History:
        return History.parse(self.report.status.get("history"))

    @history.setter
    def history(self, history: History) -> None:
        if len(history):
            self.report.status["history"] = history.render()
        else:
            self.report.status.pop("history", None)

    @property
    def latest(self) -> Snapshot:
        """For steps that are taken only when there is one."""
        latest = self.history.latest
        assert latest is not None
        return latest

    def note(self, release: Release) -> None:
        """Storage tells of a write."""
        self.written.note(release)

    def count_failure(self, action: Action | None = None) -> None:
        """`failures` counts all; those of an action count against its retries as well."""
        fields = ["failures"] if action is None else [f"{action}Failures"]
        for name in fields:
            self.report.status[name] = int(self.report.status.get(name) or 0) + 1

    def clear_counters(self) -> None:
        clear_counters(self.report)

    def attempts(self, action: Action) -> Attempts:
        """How an install or an upgrade is repeated, and how often it has failed."""
        spec = self.hr.install if action is Action.INSTALL else self.hr.upgrade
        failures = int(self.report.status.get(f"{action}Failures") or 0)
        return Attempts(spec.remediation, failures, self._retries(spec.strategy))

    @property
    def last_action(self) -> str:
        return str(self.report.status.get("lastAttemptedReleaseAction") or "")

    @property
    def active(self) -> Attempts | None:
        """Those of the last action; None when there was none."""
        return self.attempts(Action(self.last_action)) if self.last_action else None

    @property
    def active_strategy(self) -> Strategy:
        spec = self.hr.install if self.last_action == Action.INSTALL else self.hr.upgrade
        return spec.strategy

    def _retries(self, strategy: Strategy) -> bool:
        if strategy.name is None:
            return self.options.retry_by_default
        return strategy.name is StrategyName.RETRY


def clear_counters(report: Report) -> None:
    for name in _COUNTERS:
        report.status.pop(name, None)
