"""A release as Helm records it: one revision of one installation of a chart (specs/helm.md 20.1).

Times are texts as Helm wrote them (RFC 3339 with nanoseconds; empty for none), so that a record which
is read and written again is the same record, and has the same digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from shared.model.meta import Object


class Status(StrEnum):
    UNKNOWN = "unknown"
    DEPLOYED = "deployed"
    UNINSTALLED = "uninstalled"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    UNINSTALLING = "uninstalling"
    PENDING_INSTALL = "pending-install"
    PENDING_UPGRADE = "pending-upgrade"
    PENDING_ROLLBACK = "pending-rollback"

    @property
    def is_pending(self) -> bool:
        """An action is under way, or died."""
        return self.value.startswith("pending-")


class HookEvent(StrEnum):
    """When a hook runs."""

    PRE_INSTALL = "pre-install"
    POST_INSTALL = "post-install"
    PRE_UPGRADE = "pre-upgrade"
    POST_UPGRADE = "post-upgrade"
    PRE_ROLLBACK = "pre-rollback"
    POST_ROLLBACK = "post-rollback"
    PRE_DELETE = "pre-delete"
    POST_DELETE = "post-delete"
    TEST = "test"


class HookPhase(StrEnum):
    NEVER_RUN = ""
    UNKNOWN = "Unknown"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class ApplyMethod(StrEnum):
    """How the objects were written. Helm 3 left it empty, and meant client-side."""

    SERVER_SIDE = "ssa"
    CLIENT_SIDE = "csa"


@dataclass(frozen=True, slots=True)
class HookRun:
    """How the last run of a hook went."""

    phase: HookPhase = HookPhase.NEVER_RUN
    started_at: str = ""
    completed_at: str = ""


_NEVER = HookRun()


@dataclass(frozen=True, slots=True)
class Hook:
    """One object that Helm creates at an event; `path` is the template, `manifest` one YAML document."""

    name: str
    kind: str
    path: str
    manifest: str
    events: tuple[str, ...]
    weight: int = 0
    delete_policies: tuple[str, ...] = ()
    output_log_policies: tuple[str, ...] = ()
    last_run: HookRun = _NEVER

    def runs_at(self, event: HookEvent) -> bool:
        return event in self.events


@dataclass(frozen=True, slots=True)
class Info:
    """What happened to a revision. `rest` are fields that we do not know, kept as they are."""

    status: Status
    description: str = ""
    first_deployed: str = ""
    last_deployed: str = ""
    deleted: str = ""
    notes: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Release:
    """One revision. `chart` is the chart as Helm's JSON; `config` the values that the user gave.

    `labels` are custom labels of the Secret, which are not part of the record itself.
    """

    name: str
    namespace: str
    version: int
    info: Info
    chart: Object
    config: Object
    manifest: str
    hooks: tuple[Hook, ...] = ()
    apply_method: str = ApplyMethod.SERVER_SIDE
    labels: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """`namespace/name.v3`, as messages and conditions name a release (specs/helm.md 2)."""
        return f"{self.namespace}/{self.name}.v{self.version}"

    @property
    def status(self) -> Status:
        return self.info.status

    @property
    def is_server_side(self) -> bool:
        return self.apply_method == ApplyMethod.SERVER_SIDE

    @property
    def chart_name(self) -> str:
        return str(self._metadata.get("name", ""))

    @property
    def chart_version(self) -> str:
        return str(self._metadata.get("version", ""))

    @property
    def app_version(self) -> str:
        return str(self._metadata.get("appVersion", ""))

    @property
    def _metadata(self) -> Mapping[str, Any]:
        metadata = self.chart.get("metadata")
        return metadata if isinstance(metadata, Mapping) else {}

    def as_status(self, status: Status, description: str | None = None) -> Release:
        """The same revision in another status; the description stays where none is given."""
        told = self.info.description if description is None else description
        return replace(self, info=replace(self.info, status=status, description=told))

    def with_hook(self, hook: Hook) -> Release:
        """The same revision with the result of this hook, which is one of its own."""
        hooks = tuple(hook if replace(old, last_run=hook.last_run) == hook else old for old in self.hooks)
        return replace(self, hooks=hooks)


def render_moment(moment: datetime) -> str:
    """A moment as Helm writes it: RFC 3339, UTC, fractions only where there are any."""
    utc = moment.astimezone(UTC)
    fraction = f".{utc.microsecond:06d}".rstrip("0") if utc.microsecond else ""
    return f"{utc:%Y-%m-%dT%H:%M:%S}{fraction}Z"
