"""What happens to the objects of a Kustomization that is deleted (specs/kustomize.md 12)."""

from __future__ import annotations

from datetime import timedelta

import structlog

from controllers.kustomize.memory import Remembered
from shared.kube.errors import KubeError
from shared.kube.hands import Hands
from shared.logic.changes import Action
from shared.logic.inventory import InvalidEntry, Inventory
from shared.logic.owner import Owner
from shared.model.event import EventType
from shared.model.kustomize import DeletionPolicy, Kustomization
from shared.model.meta import Reason
from shared.runtime.failure import Failure, Waiting
from shared.runtime.report import Report

log = structlog.get_logger()

_LOOK_AGAIN = timedelta(seconds=2)


async def prune_all(ks: Kustomization, report: Report, memory: Remembered, hands: Hands) -> None:
    """Delete what the inventory lists, and with WaitForTermination wait until it is gone.

    Raises Failure while something cannot be deleted, and Waiting (which holds no worker) while
    something is still terminating. An inventory that cannot be read is told and left alone.
    """
    try:
        inventory = Inventory.parse(report.status.get("inventory"))
    except InvalidEntry as error:
        report.tell(EventType.WARNING, Reason.FAILED, f"unable to prune objects: {error}")
        return
    result = await hands.pruner.prune(inventory, Owner(ks.namespace, ks.name))
    if result.failure:
        raise Failure(f"pruning for deleted resource failed: {result.failure}", reason="PruneFailed")
    if memory.terminating_since is None and len(result.changes):
        log.info("garbage collection for deleted resource completed", count=len(result.changes))
        report.tell(EventType.NORMAL, Reason.SUCCEEDED, result.changes.render())
    if ks.deletion_policy is DeletionPolicy.WAIT_FOR_TERMINATION:
        memory.terminating_since = memory.terminating_since or report.now
        if report.now - memory.terminating_since > ks.timeout:
            report.tell(EventType.WARNING, Reason.FAILED, "failed to wait for resources termination")
            return
        try:
            left = await hands.pruner.find_left(result.changes.refs(Action.DELETED))
        except KubeError as error:
            raise Failure(f"cannot tell what is still terminating: {error}") from error
        if left:
            raise Waiting(f"{len(left)} objects are terminating", retry_in=_LOOK_AGAIN, quiet=True)
