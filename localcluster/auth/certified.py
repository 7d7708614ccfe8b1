"""Users of client certificates: the TLS layer has checked who signed them."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from functools import lru_cache
from typing import Any

from localcluster.auth.users import AUTHENTICATED, User

_CREDENTIAL = "authentication.kubernetes.io/credential-id"


def user_of_connection(transport: asyncio.BaseTransport | None) -> User | None:
    """Whom the peer's certificate names; None without one, or where it has no common name."""
    peer: ssl.SSLObject | None = transport.get_extra_info("ssl_object") if transport is not None else None
    encoded = peer.getpeercert(binary_form=True) if peer is not None else None
    return None if encoded is None else _user_of(encoded)


@lru_cache(maxsize=256)
def _user_of(encoded: bytes) -> User | None:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    subject = x509.load_der_x509_certificate(encoded).subject
    names = _texts(subject.get_attributes_for_oid(NameOID.COMMON_NAME))
    if not names or not names[0]:
        return None
    groups = _texts(subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    if AUTHENTICATED not in groups:
        groups.append(AUTHENTICATED)
    digest = hashlib.sha256(encoded).hexdigest()
    return User(names[0], tuple(groups), extra={_CREDENTIAL: [f"X509SHA256={digest}"]})


def _texts(attributes: list[Any]) -> list[str]:
    return [str(attribute.value) for attribute in attributes]
