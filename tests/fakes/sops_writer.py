"""Seals documents as SOPS does, independently of the code that opens them: for round trips and forgeries."""

import base64
import hashlib
import json
import secrets
from typing import Any

import pyrage
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MODIFIED = "2026-11-23T06:30:29Z"


class Sealer:
    """One document: `seal` values in document order, then ask for `metadata`."""

    def __init__(self, *recipients: Any, rule: dict[str, Any] | None = None) -> None:
        self.key = secrets.token_bytes(32)
        self.recipients = recipients
        self.rule = rule or {"unencrypted_suffix": "_unencrypted"}
        self._hash = hashlib.sha512()

    def seal(self, value: Any, *path: str) -> str:
        kind, plain = _plain(value)
        self._hash.update(plain)
        return self.encrypted(plain, kind, ":".join(path) + ":") if plain else ""

    def visible(self, value: Any) -> Any:
        self._hash.update(_plain(value)[1])
        return value

    def encrypted(self, plain: bytes, kind: str, authenticated: str) -> str:
        iv = secrets.token_bytes(32)
        out = AESGCM(self.key).encrypt(iv, plain, authenticated.encode())
        data, tag = (base64.b64encode(part).decode() for part in (out[:-16], out[-16:]))
        return f"ENC[AES256_GCM,data:{data},iv:{base64.b64encode(iv).decode()},tag:{tag},type:{kind}]"

    def metadata(self) -> dict[str, Any]:
        mac = self._hash.hexdigest().upper().encode()
        return {
            "age": [
                {"recipient": str(to), "enc": pyrage.encrypt(self.key, [to], armored=True).decode()}
                for to in self.recipients
            ],
            "lastmodified": MODIFIED,
            "mac": self.encrypted(mac, "str", MODIFIED),
            "version": "3.13.3",
            **self.rule,
        }


def sealed_json(recipient: Any, fields: dict[str, Any]) -> bytes:
    """A flat document with every field encrypted; `_unencrypted` ones are not."""
    sealer = Sealer(recipient)
    body = {
        name: sealer.visible(value) if name.endswith("_unencrypted") else sealer.seal(value, name)
        for name, value in fields.items()
    }
    return json.dumps(body | {"sops": sealer.metadata()}, indent=1).encode()


def _plain(value: Any) -> tuple[str, bytes]:
    match value:
        case bool():
            return "bool", b"True" if value else b"False"
        case int():
            return "int", str(value).encode()
        case float():
            return "float", format(value, ".20f").rstrip("0").rstrip(".").encode()
        case _:
            return "str", value.encode("utf-8", "surrogateescape")
