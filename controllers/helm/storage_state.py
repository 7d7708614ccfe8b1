"""One line that changes whenever a record of a release does: asked for without reading any record."""

from __future__ import annotations

from shared.kube.client import KubeClient
from shared.model.kinds import SECRET


async def storage_state(client: KubeClient, namespace: str, name: str) -> str:
    """One request, of metadata only. Raises KubeError."""
    listing = await client.list(
        SECRET, namespace, label_selector=f"name={name},owner=helm", metadata_only=True
    )
    found = sorted(
        f"{item['metadata']['name']}@{item['metadata'].get('resourceVersion', '')}" for item in listing.items
    )
    return ",".join(found)
