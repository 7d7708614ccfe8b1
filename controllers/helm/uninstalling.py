"""Take a release out of the cluster for good: on deletion, or to put it elsewhere (specs/helm.md 5.2, 17)."""

from __future__ import annotations

from controllers.helm import telling
from controllers.helm.actions.errors import ActionFailed, NothingInstalled
from controllers.helm.actions.toolbox import Tools
from controllers.helm.actions.uninstall import uninstall
from controllers.helm.conditions import RELEASED
from controllers.helm.orders import uninstall_order
from controllers.helm.release.record import Status
from controllers.helm.snapshots import History, Snapshot
from shared.kube.errors import KubeError
from shared.model.event import EventType
from shared.model.helm import HelmRelease
from shared.model.meta import READY
from shared.runtime.failure import Failure
from shared.runtime.report import Report


class UninstallFailed(Failure):
    reason = "UninstallFailed"
    keeps_ready = True


async def uninstall_current(hr: HelmRelease, report: Report, tools: Tools) -> None:
    """The release that the history names; nothing where it names none. Raises UninstallFailed."""
    latest = History.parse(report.status.get("history")).latest
    if latest is None:
        return
    try:
        message = await _uninstall(hr, latest, tools)
    except (ActionFailed, KubeError) as error:
        message = telling.failed("uninstall", latest, str(error))
        report.conditions.mark_false(RELEASED, UninstallFailed.reason, message)
        report.conditions.mark_false(READY, UninstallFailed.reason, message)
        _tell(report, EventType.WARNING, UninstallFailed.reason, message, latest)
        raise UninstallFailed(message, quiet=True) from error
    report.conditions.mark_false(RELEASED, "UninstallSucceeded", message)
    report.status.pop("inventory", None)
    _tell(report, EventType.NORMAL, "UninstallSucceeded", message, latest)


def forget_release(report: Report) -> None:
    """Nothing is known to be released any more."""
    for field in ("history", "storageNamespace", "failures", "installFailures", "upgradeFailures"):
        report.status.pop(field, None)


async def _uninstall(hr: HelmRelease, latest: Snapshot, tools: Tools) -> str:
    try:
        await uninstall(tools, uninstall_order(hr.uninstall))
    except NothingInstalled:
        return f"Release {latest.full_name} was not found, assuming it is uninstalled"
    except ActionFailed as error:
        gone = error.release is not None and error.release.status is Status.UNINSTALLED
        if gone and hr.uninstall.keep_history:
            return f"Release {latest.full_name} was already uninstalled"
        raise
    return telling.succeeded("uninstall", latest)


def _tell(report: Report, kind: EventType, reason: str, message: str, latest: Snapshot) -> None:
    telling.tell(report, kind, reason, message, telling.About.snapshot(latest))
