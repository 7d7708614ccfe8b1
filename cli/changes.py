"""Objects as they are, and then every change of them, for as long as the command runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from shared.kube.client import KubeClient
from shared.kube.errors import ApiUnreachable, Gone
from shared.model.kinds import Resource
from shared.model.meta import Object

_PAUSE_SECONDS = 1.0


async def changes(
    client: KubeClient,
    resource: Resource,
    namespace: str,
    *,
    labels: str = "",
    first: list[Object],
    version: str,
) -> AsyncIterator[Object]:
    """What the list held, then what a watch from its version tells; deleted objects as they were last.

    A watch that breaks off is taken up again; after a gap the server cannot bridge, all is listed anew.
    """
    for obj in first:
        yield obj
    while True:
        try:
            async for kind, obj in client.watch(
                resource, namespace, resource_version=version, label_selector=labels
            ):
                version = obj["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    yield obj
        except Gone:
            listing = await client.list(resource, namespace, label_selector=labels)
            version = listing.resource_version
            for obj in listing.items:
                yield obj
        except ApiUnreachable:
            await asyncio.sleep(_PAUSE_SECONDS)
