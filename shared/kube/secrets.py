"""Secrets, read fresh each time, so that no copy of them is kept (spec source 7)."""

import base64
import binascii

from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.logic.secret import Secret, SecretUnreachable, SecretUnusable
from shared.model.kinds import SECRET


class Secrets:
    """Reads the Secrets of any namespace; which one is the caller's decision."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def read(self, namespace: str, name: str) -> Secret:
        """Raises SecretUnusable, and of these SecretUnreachable for what may pass."""
        shown = f"{namespace}/{name}"
        try:
            found = await self._client.find(SECRET, namespace, name)
        except KubeError as error:
            raise SecretUnreachable(f"failed to get secret '{shown}': {error}") from error
        if found is None:
            raise SecretUnusable(f"secret '{shown}' not found")
        try:
            data = {key: base64.b64decode(value or "") for key, value in (found.get("data") or {}).items()}
        except (ValueError, binascii.Error) as error:
            raise SecretUnusable(f"secret '{shown}' is not base64") from error
        return Secret(shown, data)
