"""Command-line flags of the controllers, spelled and read as Go programs do (specs/runtime.md 7).

`--flag`, `--flag=value` and `--flag value` all work; a boolean takes `=true` or `=false`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.model.duration import InvalidDuration, parse_duration
from shared.runtime.address import Address

_TRUE = {"1", "t", "true", "yes"}
_FALSE = {"0", "f", "false", "no"}


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """What all controllers share. Delays and durations are timedeltas; namespaces empty means all."""

    name: str
    kubeconfig: str | None
    metrics_addr: Address
    health_addr: Address
    events_addr: str
    concurrent: int
    requeue_dependency: timedelta
    min_retry_delay: timedelta
    max_retry_delay: timedelta
    jitter: float
    namespace: str
    own_namespace: str
    label_selector: str
    leader_election: bool
    lease_duration: timedelta
    renew_deadline: timedelta
    retry_period: timedelta
    release_on_cancel: bool
    log_level: str
    log_encoding: str
    gates: Mapping[str, bool]


class Flags:
    """A parser with the common flags; `add` the controller's own, then `parse`."""

    def __init__(
        self, name: str, *, concurrent: int, gates: Mapping[str, bool], env: Mapping[str, str]
    ) -> None:
        self._name, self._gates, self._env = name, gates, env
        self._parser = argparse.ArgumentParser(prog=name, allow_abbrev=False)
        self._add_common(concurrent)

    def text(self, flag: str, default: str, *, env: str = "", text: str = "") -> None:
        """A string; `env` names a variable that gives the default."""
        self._parser.add_argument(f"--{flag}", default=self._env.get(env) or default, help=text or None)

    def many(self, flag: str, text: str = "") -> None:
        """May be repeated, or hold a comma-separated list."""
        self._parser.add_argument(f"--{flag}", action="append", default=[], help=text or None)

    def number(self, flag: str, default: int, text: str = "") -> None:
        self._parser.add_argument(f"--{flag}", type=int, default=default, help=text or None)

    def duration(self, flag: str, default: str, text: str = "") -> None:
        self._parser.add_argument(f"--{flag}", type=_duration, default=_duration(default), help=text or None)

    def boolean(self, flag: str, text: str = "", *, default: bool = False) -> None:
        self._parser.add_argument(
            f"--{flag}", type=_boolean, nargs="?", const=True, default=default, help=text or None
        )

    def parse(self, argv: Sequence[str]) -> tuple[RuntimeSettings, argparse.Namespace]:
        """Exits with status 2 and a message on an unknown or malformed flag, 1 on an unknown gate."""
        found = self._parser.parse_args(list(argv))
        own_namespace = self._env.get("RUNTIME_NAMESPACE", "")
        if not 0 <= found.interval_jitter_percentage < 100:
            self._parser.error("--interval-jitter-percentage must be between 0 and 99")
        if not found.watch_all_namespaces and not own_namespace:
            self._parser.error("--watch-all-namespaces=false needs the variable RUNTIME_NAMESPACE")
        self._check_lease(found)
        settings = RuntimeSettings(
            name=self._name,
            kubeconfig=found.kubeconfig or None,
            metrics_addr=found.metrics_addr,
            health_addr=found.health_addr,
            events_addr=found.events_addr,
            concurrent=max(found.concurrent, 1),
            requeue_dependency=found.requeue_dependency,
            min_retry_delay=found.min_retry_delay,
            max_retry_delay=found.max_retry_delay,
            jitter=found.interval_jitter_percentage / 100,
            namespace="" if found.watch_all_namespaces else own_namespace,
            own_namespace=own_namespace,
            label_selector=found.watch_label_selector,
            leader_election=found.enable_leader_election,
            lease_duration=found.leader_election_lease_duration,
            renew_deadline=found.leader_election_renew_deadline,
            retry_period=found.leader_election_retry_period,
            release_on_cancel=found.leader_election_release_on_cancel,
            log_level=found.log_level,
            log_encoding=found.log_encoding,
            gates=self._read_gates(found.feature_gates),
        )
        return settings, found

    def _add_common(self, concurrent: int) -> None:
        self.text("kubeconfig", "", text="path of a kubeconfig; the pod's own service account without it")
        for flag, default, env in (("metrics-addr", ":8080", "METRICS_ADDR"), ("health-addr", ":9440", "")):
            chosen = self._env.get(env) or default
            self._parser.add_argument(f"--{flag}", type=_address, default=_address(chosen))
        self.text("events-addr", "", env="EVENTS_ADDR", text="where events are posted; empty posts none")
        self.number("concurrent", concurrent, "objects of one kind that are reconciled at a time")
        self.duration("requeue-dependency", "30s", "how soon to look again at a dependency that is not ready")
        self.duration("min-retry-delay", "750ms")
        self.duration("max-retry-delay", "15m")
        self.number("interval-jitter-percentage", 5)
        self.boolean("watch-all-namespaces", default=True)
        self.text("watch-label-selector", "", text="reconcile only objects with these labels (sharding)")
        self.text("watch-configs-label-selector", "reconcile.fluxcd.io/watch=Enabled")
        self.boolean("enable-leader-election")
        self.boolean("leader-election-release-on-cancel", default=True)
        self.duration("leader-election-lease-duration", "35s")
        self.duration("leader-election-renew-deadline", "30s")
        self.duration("leader-election-retry-period", "5s")
        self._parser.add_argument("--log-level", choices=("trace", "debug", "info", "error"), default="info")
        self._parser.add_argument("--log-encoding", choices=("json", "console"), default="json")
        # Accepted for compatibility: the API server's priority and fairness does the throttling.
        self._parser.add_argument("--kube-api-qps", type=float, default=50, help="accepted, without effect")
        self._parser.add_argument("--kube-api-burst", type=int, default=300, help="accepted, without effect")
        self.text("feature-gates", "", text="A=true,B=false")

    def _check_lease(self, found: argparse.Namespace) -> None:
        """Other times could make two leaders, or none for long."""
        lease, renew, retry = (
            found.leader_election_lease_duration,
            found.leader_election_renew_deadline,
            found.leader_election_retry_period,
        )
        if found.enable_leader_election and not lease > renew > retry * 1.2 > timedelta(0):
            self._parser.error(
                "--leader-election-lease-duration must be longer than -renew-deadline, "
                "and that longer than 1.2 times -retry-period"
            )

    def _read_gates(self, text: str) -> Mapping[str, bool]:
        gates = dict(self._gates)
        for item in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = item.partition("=")
            if name not in gates:
                self._parser.exit(1, f"feature-gate '{name}' not supported\n")
            try:
                gates[name] = _boolean(value)
            except argparse.ArgumentTypeError as error:
                self._parser.exit(1, f"feature-gate '{name}': {error}\n")
        return gates


def listed(values: Sequence[str]) -> tuple[str, ...]:
    """The items of a repeatable, comma-separated flag."""
    return tuple(item.strip() for value in values for item in value.split(",") if item.strip())


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except InvalidDuration as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered in _TRUE | _FALSE:
        return lowered in _TRUE
    raise argparse.ArgumentTypeError(f"{text!r} is not true or false")
