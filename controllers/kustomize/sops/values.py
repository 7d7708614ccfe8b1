"""One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]` to what it stands for.

The name of the place where a value stands (its path) is authenticated with it, so that a value
which somebody moved does not decrypt.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from dataclasses import dataclass
from decimal import Decimal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from controllers.kustomize.sops.errors import DocumentInvalid, ValueTampered

# Nothing repeats in it that could match in two ways, so it takes linear time on any text.
_ENCRYPTED = re.compile(
    r"ENC\[AES256_GCM,data:([A-Za-z0-9+/=]+),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:([a-z]+)\]"
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,5})?", re.ASCII)
_INT64 = range(-(2**63), 2**63)
_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))


class Moment(str):
    """A time, as RFC 3339 text: YAML writes it plain, where a string would be quoted."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, without its `#`. Where a format knows none, it is left out."""

    text: str


Leaf = str | int | float | bool | Comment | None


def is_encrypted(text: str) -> bool:
    return text.startswith("ENC[AES256_GCM,") and _ENCRYPTED.match(text) is not None


def decrypt_value(text: str, cipher: AESGCM, path: str) -> Leaf:
    """The value; bytes that are not UTF-8 survive as surrogates. Raises DocumentInvalid, ValueTampered."""
    if not text:
        return ""
    match = _ENCRYPTED.match(text)
    if match is None:
        raise DocumentInvalid(f"the value at {shown(path)} should be encrypted, but is not in SOPS' form")
    try:
        data, iv, tag = (base64.b64decode(part, validate=True) for part in match.group(1, 2, 3))
    except binascii.Error as error:
        raise DocumentInvalid(f"the value at {shown(path)} is not base64") from error
    if not 8 <= len(iv) <= 128 or len(tag) != 16:
        raise DocumentInvalid(f"the value at {shown(path)} has an initialisation vector or tag of odd length")
    try:
        plain = cipher.decrypt(iv, data + tag, path.encode("utf-8", "surrogateescape"))
    except InvalidTag as error:
        raise ValueTampered(
            f"the value at {shown(path)} cannot be decrypted: it was changed or moved after encryption"
        ) from error
    return _typed(plain.decode("utf-8", "surrogateescape"), match.group(4), path)


def mac_bytes(value: Leaf) -> bytes:
    """What a value adds to the document's authentication code; comments and nulls add nothing."""
    match value:
        case None | Comment():
            return b""
        case str():
            return value.encode("utf-8", "surrogateescape")
        case bool():
            return b"True" if value else b"False"
        case int():
            return str(value).encode()
        case float():
            return _float_text(value).encode()


def shown(path: str) -> str:
    """A path for a message: `data.password`, on one line and bounded."""
    return repr(path.rstrip(":").replace(":", ".")[:200])


def _typed(text: str, kind: str, path: str) -> Leaf:
    match kind:
        case "str" | "bytes":
            return text
        case "int" if _INTEGER.fullmatch(text) and int(text) in _INT64:
            return int(text)
        case "float" if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
        case "bool" if text in _TRUE or text in _FALSE:
            return text in _TRUE
        case "time":
            return Moment(text)
        case "comment":
            return Comment(text)
        case _:
            raise DocumentInvalid(f"the value at {shown(path)} is not the {kind} that it claims to be")


def _float_text(value: float) -> str:
    """The shortest digits that give the same float, never with an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
