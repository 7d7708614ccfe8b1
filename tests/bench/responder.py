"""Sets Deployments ready where nothing else does: a genuine API server without nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from shared.kube.errors import KubeError
from shared.model.kinds import Resource
from shared.model.meta import Object
from tests.bench.rig import Rig

DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments")
_EVERY = 0.2


@asynccontextmanager
async def responding(rig: Rig) -> AsyncIterator[None]:
    """Answer while the body runs; a localcluster has simulated workloads of its own."""
    if rig.server is not None:
        yield
        return
    task = asyncio.create_task(_respond(rig), name="set Deployments ready")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _respond(rig: Rig) -> None:
    world = rig.world
    while True:
        with suppress(KubeError):
            found = await world.client.list(DEPLOYMENT, world.namespace)
            for item in filter(_should_be_ready, found.items):
                status = {"status": ready_status(item)}
                name = item["metadata"]["name"]
                await world.client.patch(DEPLOYMENT, world.namespace, name, status, subresource="status")
        await asyncio.sleep(_EVERY)


def _should_be_ready(item: Object) -> bool:
    """Not yet, and by the scheduler that every cluster has."""
    scheduler = item["spec"]["template"]["spec"].get("schedulerName", "default-scheduler")
    observed = (item.get("status") or {}).get("observedGeneration")
    return bool(scheduler == "default-scheduler" and observed != item["metadata"]["generation"])


def ready_status(item: Object) -> Object:
    replicas = item["spec"].get("replicas", 1)
    return {
        "observedGeneration": item["metadata"]["generation"],
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
        "conditions": [
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        ],
    }
