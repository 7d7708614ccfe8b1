"""Are the controllers up? Deployments are found by the label that Flux' have too (specs/deploy.md 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from cli.printing import Symbol, say
from cli.problems import CliError
from cli.session import Session
from shared.logic.kstatus.compute import assess
from shared.model.kinds import Resource
from shared.model.meta import Object

PART_OF = "app.kubernetes.io/part-of=flux"
DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


async def deployments(session: Session) -> list[Object]:
    """The controllers in the namespace, ours or Flux'. Raises KubeError."""
    return (await session.client.list(DEPLOYMENT, session.namespace, label_selector=PART_OF)).items


def is_ready(deployment: Object) -> bool:
    return assess(deployment, datetime.now(UTC)).is_current


async def verify(session: Session, components: Sequence[str], seconds: float) -> None:
    """Wait, say when each of them is ready. Raises CliError that names those that are not."""
    waiting, pause = list(components), _FIRST_PAUSE
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        ready = {one["metadata"]["name"] for one in await deployments(session) if is_ready(one)}
        for name in [name for name in waiting if name in ready]:
            say(Symbol.SUCCESS, f"{name}: deployment ready")
            waiting.remove(name)
        if not waiting:
            return
        if asyncio.get_running_loop().time() + pause > deadline:
            raise CliError(f"{', '.join(waiting)}: deployment not ready; see kubectl describe pods")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
