"""Secrets of an object's own namespace, read fresh each time (spec source 7)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.model.kinds import SECRET


class SecretUnusable(Exception):
    """The secret is not there, cannot be read, or lacks something. Never quotes a value."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Decoded data; the name is for messages."""

    name: str
    data: Mapping[str, bytes] = field(repr=False)

    def text(self, key: str) -> str:
        """The value as text, without surrounding blank lines; empty when it is absent."""
        try:
            return self.data.get(key, b"").decode()
        except UnicodeDecodeError as error:
            raise SecretUnusable(f"secret '{self.name}': key '{key}' is not UTF-8 text") from error

    def require(self, key: str) -> str:
        found = self.text(key)
        if not found:
            raise SecretUnusable(f"secret '{self.name}': key '{key}' not found")
        return found

    def first(self, *keys: str) -> str:
        """The value of the first of several names that is there."""
        return next((found for key in keys if (found := self.text(key))), "")


class Secrets:
    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def read(self, namespace: str, name: str) -> Secret:
        """Raises SecretUnusable."""
        shown = f"{namespace}/{name}"
        try:
            found = await self._client.find(SECRET, namespace, name)
        except KubeError as error:
            raise SecretUnusable(f"failed to get secret '{shown}': {error}") from error
        if found is None:
            raise SecretUnusable(f"secret '{shown}' not found")
        try:
            data = {key: base64.b64decode(value or "") for key, value in (found.get("data") or {}).items()}
        except (ValueError, binascii.Error) as error:
            raise SecretUnusable(f"secret '{shown}' is not base64") from error
        return Secret(shown, data)
