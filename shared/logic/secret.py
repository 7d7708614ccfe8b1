"""A Secret's decoded data, and what is to be found in it: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class SecretUnusable(Exception):
    """The secret is not there, cannot be read, or lacks something. Never quotes a value."""


class SecretUnreachable(SecretUnusable):
    """It cannot be read now: trying again may help."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Decoded data; the name is for messages."""

    name: str
    data: Mapping[str, bytes] = field(repr=False)

    def text(self, key: str) -> str:
        """The value as text; empty when it is absent. Raises SecretUnusable."""
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


def tls_of(secret: Secret) -> tuple[str, str, str]:
    """Client certificate and key, and the authority; each as PEM, or empty. Raises SecretUnusable."""
    certificate = secret.first("tls.crt", "certFile")
    private_key = secret.first("tls.key", "keyFile")
    if bool(certificate) != bool(private_key):
        raise SecretUnusable(f"secret '{secret.name}': 'tls.crt' and 'tls.key' need each other")
    return certificate, private_key, secret.first("ca.crt", "caFile")
