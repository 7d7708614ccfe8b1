"""The age file format, for the post-quantum recipients that no library at hand knows.

A header with one stanza per recipient, a MAC of the header, and the payload in chunks
(age-encryption.org/v1, C2SP). Here a payload is a data key, so one chunk is all there may be.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from controllers.kustomize.sops.errors import KeysInvalid

PREFIX = "AGE-SECRET-KEY-PQ-"
_STANZA = "mlkem768x25519"
_VERSION = b"age-encryption.org/v1"
_INFO = b"age-encryption.org/mlkem768x25519"
_MAX_STANZAS = 200
_CHUNK = 64 * 1024
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_ARMOR = (b"-----BEGIN AGE ENCRYPTED FILE-----", b"-----END AGE ENCRYPTED FILE-----")


class NotForUs(Exception):
    """No stanza of the file opens with this identity, or the file is broken."""


@dataclass(frozen=True, slots=True)
class PostQuantumIdentity:
    """`AGE-SECRET-KEY-PQ-1…`; its secret is never printed."""

    key: MLKEM768X25519PrivateKey

    def __repr__(self) -> str:
        return "PostQuantumIdentity(***)"

    @classmethod
    def parse(cls, text: str) -> PostQuantumIdentity:
        """Raises KeysInvalid."""
        seed = _bech32_decoded(text)
        if len(seed) != 32:
            raise KeysInvalid("a post-quantum age identity is damaged")
        secrets = hashlib.shake_256(seed).digest(96)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(secrets[:64])
        return cls(MLKEM768X25519PrivateKey(mlkem, X25519PrivateKey.from_private_bytes(secrets[64:])))

    def decrypt(self, file: bytes) -> bytes:
        """The payload of an age file, armored or not. Raises NotForUs."""
        try:
            header, stanzas, mac, payload = _parsed(_dearmored(file))
            for arguments, body in stanzas:
                file_key = self._file_key(arguments, body)
                if file_key is not None:
                    _require_mac(file_key, header, mac)
                    return _payload(file_key, payload)
        except (binascii.Error, InvalidTag, ValueError) as error:
            raise NotForUs("the age file is damaged") from error
        raise NotForUs("no stanza is for this identity")

    def _file_key(self, arguments: list[str], body: bytes) -> bytes | None:
        if len(arguments) != 2 or arguments[0] != _STANZA or len(body) != 32:
            return None
        suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
        try:
            return suite.decrypt(_unpadded(arguments[1]) + body, self.key, _INFO)
        except (InvalidTag, ValueError):
            return None


def _parsed(file: bytes) -> tuple[bytes, list[tuple[list[str], bytes]], bytes, bytes]:
    """(authenticated header, stanzas, MAC, payload). Raises ValueError."""
    end = file.index(b"\n--- ")
    mac_line, _, payload = file[end + 1 :].partition(b"\n")
    lines = file[:end].decode("ascii").split("\n")
    if lines[0].encode() != _VERSION:
        raise ValueError("not an age file")
    stanzas: list[tuple[list[str], bytes]] = []
    position = 1
    while position < len(lines):
        if not lines[position].startswith("-> ") or len(stanzas) >= _MAX_STANZAS:
            raise ValueError("malformed header")
        arguments, position, body = lines[position][3:].split(" "), position + 1, ""
        while True:
            line = lines[position]
            body, position = body + line, position + 1
            if len(line) < 64:
                break
        stanzas.append((arguments, _unpadded(body)))
    return file[: end + 4], stanzas, _unpadded(mac_line[4:].decode("ascii")), payload


def _dearmored(file: bytes) -> bytes:
    text = file.strip()
    if not text.startswith(_ARMOR[0]):
        return file
    return base64.b64decode(
        b"".join(text.removeprefix(_ARMOR[0]).removesuffix(_ARMOR[1]).split()), validate=True
    )


def _require_mac(file_key: bytes, header: bytes, mac: bytes) -> None:
    expected = hmac.digest(_derived(file_key, b"", b"header"), header, "sha256")
    if not hmac.compare_digest(expected, mac):
        raise ValueError("the header was changed")


def _payload(file_key: bytes, payload: bytes) -> bytes:
    nonce, chunk = payload[:16], payload[16:]
    if len(chunk) > _CHUNK + 16:
        raise ValueError("too large for a data key")
    last = bytes(11) + b"\x01"
    return ChaCha20Poly1305(_derived(file_key, nonce, b"payload")).decrypt(last, chunk, None)


def _derived(file_key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt or None, info=info).derive(file_key)


def _unpadded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _bech32_decoded(text: str) -> bytes:
    """Bech32 (BIP 173) of the identity, in capitals and without its limit of length."""
    prefix, _, rest = text.rpartition("1")
    values = [_BECH32.find(char) for char in rest.lower()]
    human = prefix.lower()
    spread = [ord(char) >> 5 for char in human] + [0] + [ord(char) & 31 for char in human]
    if prefix != PREFIX or text != text.upper() or -1 in values or _polymod(spread + values) != 1:
        raise KeysInvalid("a post-quantum age identity is damaged")
    bits = "".join(format(value, "05b") for value in values[:-6])
    whole = len(bits) // 8 * 8
    return bytes(int(bits[at : at + 8], 2) for at in range(0, whole, 8))


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_BECH32_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return check
