"""Decrypts the values of one document in their order, and checks the document's MAC at the end."""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from controllers.kustomize.sops.errors import DocumentInvalid, MacMismatch, SopsError, ValueTampered
from controllers.kustomize.sops.metadata import Metadata
from controllers.kustomize.sops.values import Comment, Leaf, decrypt_value, mac_bytes, shown

# A MAC over encrypted values alone must never equal one over all: it begins with sha256("sops").
_ONLY_ENCRYPTED = hashlib.sha256(b"sops").digest()


class Opener:
    """Give it every leaf in document order. It holds the data key, so keep it no longer than needed."""

    __slots__ = ("_cipher", "_hash", "_metadata")

    def __init__(self, metadata: Metadata, key: bytes) -> None:
        if len(key) != 32:
            raise DocumentInvalid("the data key is not 32 bytes long")
        self._metadata = metadata
        self._cipher = AESGCM(key)
        self._hash = hashlib.sha512(_ONLY_ENCRYPTED if metadata.mac_only_encrypted else b"")

    def leaf(self, path: tuple[str, ...], value: Leaf) -> Leaf:
        """The plain value of a leaf. Raises DocumentInvalid, ValueTampered."""
        if value is None:
            return None
        encrypted = self._metadata.rules.encrypts(path, value)
        if encrypted:
            where = _authenticated(path)
            if not isinstance(value, str):
                raise DocumentInvalid(f"the value at {shown(where)} should be encrypted, but is not text")
            value = decrypt_value(value, self._cipher, where)
        if encrypted or not self._metadata.mac_only_encrypted:
            self._hash.update(mac_bytes(value))
        return value

    def comment(self, path: tuple[str, ...], text: str) -> str | None:
        """The text of an encrypted comment that stands in that mapping; None if it is not encrypted there."""
        if not text.startswith("ENC["):
            return None
        try:
            opened = decrypt_value(text, self._cipher, _authenticated(path))
        except SopsError:
            return None
        return opened.text if isinstance(opened, Comment) else None

    def require_mac(self) -> None:
        """Raises MacMismatch when a plain value was changed, or any was removed, added or reordered."""
        metadata = self._metadata
        try:
            expected = decrypt_value(metadata.mac, self._cipher, metadata.last_modified)
        except (ValueTampered, DocumentInvalid) as error:
            raise MacMismatch(
                "the MAC of the document cannot be decrypted: the sops block was changed"
            ) from error
        if not isinstance(expected, str) or not hmac.compare_digest(
            expected.encode("utf-8", "surrogateescape"), self._hash.hexdigest().upper().encode()
        ):
            raise MacMismatch("the MAC of the document does not match: it was changed after encryption")


def _authenticated(path: tuple[str, ...]) -> str:
    return ":".join(path) + ":"
