"""JSON Web Tokens that we sign ourselves, to log in with a key instead of a password (RFC 7519, RS256)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class InvalidKey(ValueError):
    """The text is no RSA key in PEM."""


def sign(claims: Mapping[str, Any], pem: str, *, key_id: str = "") -> str:
    """The compact form. Raises InvalidKey."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidKey("the private key is not a PEM-encoded RSA key") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise InvalidKey("the private key is not an RSA key")
    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": key_id} if key_id else {})
    body = b".".join(_base64url(orjson.dumps(part)) for part in (header, dict(claims)))
    signature = key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    return (body + b"." + _base64url(signature)).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
