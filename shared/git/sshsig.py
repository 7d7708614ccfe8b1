"""SSH signatures as `git` and `ssh-keygen -Y sign` write them (OpenSSH PROTOCOL.sshsig): made and checked.

Runs in the worker. Knows ed25519, ecdsa and rsa keys.
"""

import base64
import binascii
import hashlib
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

BEGIN = b"-----BEGIN SSH SIGNATURE-----"
_END = b"-----END SSH SIGNATURE-----"
_MAGIC = b"SSHSIG"
_NAMESPACE = b"git"
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_RSA_HASHES: dict[bytes, hashes.HashAlgorithm] = {
    b"rsa-sha2-256": hashes.SHA256(),
    b"rsa-sha2-512": hashes.SHA512(),
}
_MIN_RSA_BITS = 2048
_SIGNING_HASH = b"sha512"
_ARMOR_WIDTH = 70


class InvalidSshSignature(ValueError):
    """The signature cannot be read, or does not fit."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key of an authorized_keys line: its wire form and the parsed key."""

    blob: bytes
    key: object

    @property
    def fingerprint(self) -> str:
        """`SHA256:<base64>`, as ssh-keygen shows it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")


def parse_authorized_keys(text: bytes) -> list[PublicKey]:
    """All keys of a file; one bad line makes the whole file bad. Raises InvalidSshSignature."""
    keys: list[PublicKey] = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith(b"#"):
            continue
        keys.append(_parse_line(stripped, number))
    return keys


def _parse_line(line: bytes, number: int) -> PublicKey:
    words = line.split()
    # Options may come before the key's type.
    start = next((i for i, word in enumerate(words) if word.startswith((b"ssh-", b"ecdsa-", b"sk-"))), None)
    try:
        if start is None:
            raise ValueError("no key")  # noqa: TRY301 - one way out for all that can be wrong with a line
        blob = base64.b64decode(words[start + 1], validate=True)
        return PublicKey(blob, serialization.load_ssh_public_key(b" ".join(words[start : start + 2])))
    except (ValueError, IndexError, UnsupportedAlgorithm) as error:
        raise InvalidSshSignature(f"line {number} is not a supported public key: {error}") from error


def sign(payload: bytes, public_blob: bytes, sign_raw: Callable[[bytes], bytes]) -> bytes:
    """The armored signature that a key makes for git; `sign_raw` answers in the wire form of signatures."""
    digest = _HASHES[_SIGNING_HASH](payload).digest()
    what = b"".join(_string(part) for part in (_NAMESPACE, b"", _SIGNING_HASH))
    raw = sign_raw(_MAGIC + what + _string(digest))
    envelope = _MAGIC + (1).to_bytes(4, "big") + _string(public_blob) + what + _string(raw)
    lines = textwrap.wrap(base64.b64encode(envelope).decode(), _ARMOR_WIDTH)
    return b"\n".join([BEGIN, *(line.encode() for line in lines), _END, b""])


def verify(signature: bytes, payload: bytes, keys: list[PublicKey]) -> PublicKey:
    """The key that made the signature, if it is one of ours. Raises InvalidSshSignature."""
    blob, namespace, algorithm, raw = _parse(signature)
    if namespace != _NAMESPACE:
        raise InvalidSshSignature(f"signature is for namespace {namespace[:50]!r}, not for git")
    known = next((key for key in keys if key.blob == blob), None)
    if known is None:
        unknown = PublicKey(blob, None)
        raise InvalidSshSignature(f"signature by unknown key {unknown.fingerprint}")
    digest = _HASHES[algorithm](payload).digest()
    signed = _MAGIC + b"".join(_string(part) for part in (namespace, b"", algorithm, digest))
    try:
        _verify_raw(known.key, raw, signed)
    except InvalidSignature as error:
        raise InvalidSshSignature(f"signature of key {known.fingerprint} is wrong") from error
    return known


def _parse(armored: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Public key blob, namespace, hash algorithm, raw signature."""
    body = armored.strip().removeprefix(BEGIN).removesuffix(_END)
    try:
        raw = base64.b64decode(b"".join(body.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidSshSignature("signature is not base64") from error
    reader = _Reader(raw)
    if reader.take(len(_MAGIC)) != _MAGIC or reader.take(4) != (1).to_bytes(4, "big"):
        raise InvalidSshSignature("not an SSH signature of version 1")
    blob, namespace, _reserved, algorithm, signature = (reader.string() for _ in range(5))
    if algorithm not in _HASHES:
        raise InvalidSshSignature(f"unsupported hash algorithm {algorithm[:20]!r}")
    return blob, namespace, algorithm, signature


def _verify_raw(key: object, signature: bytes, signed: bytes) -> None:
    reader = _Reader(signature)
    kind, value = reader.string(), reader.string()
    if isinstance(key, ed25519.Ed25519PublicKey) and kind == b"ssh-ed25519":
        key.verify(value, signed)
    elif isinstance(key, ec.EllipticCurvePublicKey) and kind.startswith(b"ecdsa-sha2-"):
        parts = _Reader(value)
        r, s = (int.from_bytes(parts.string(), "big") for _ in range(2))
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(_curve_hash(key.curve)))
    elif isinstance(key, rsa.RSAPublicKey) and kind in _RSA_HASHES and key.key_size >= _MIN_RSA_BITS:
        key.verify(value, signed, padding.PKCS1v15(), _RSA_HASHES[kind])
    else:
        raise InvalidSshSignature(f"unsupported signature algorithm {kind[:50]!r}")


def _curve_hash(curve: ec.EllipticCurve) -> hashes.HashAlgorithm:
    if curve.key_size <= 256:
        return hashes.SHA256()
    return hashes.SHA384() if curve.key_size <= 384 else hashes.SHA512()


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


class _Reader:
    """The wire format: strings with a length in front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, size: int) -> bytes:
        part = self._data[self._position : self._position + size]
        if len(part) != size:
            raise InvalidSshSignature("signature is truncated")
        self._position += size
        return part

    def string(self) -> bytes:
        return self.take(int.from_bytes(self.take(4), "big"))
