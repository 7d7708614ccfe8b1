"""The chain of certificates of a notation signature (Notary Project: signature-specification): pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from controllers.source.notation_policy import Statement

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_OID_NAMES = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
}


def distrust(chain: Sequence[Certificate], trusted: Sequence[Certificate], statement: Statement) -> str:
    """Why the signer is not trusted; empty when it is."""
    from cryptography.exceptions import InvalidSignature

    anchors = {certificate.fingerprint(_sha256()) for certificate in trusted}
    for below, above in pairwise(chain):
        try:
            below.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature):
            return "the chain of certificates is broken"
        if not _is_authority(above):
            return "a certificate of the chain is no authority"
    if chain[-1].fingerprint(_sha256()) not in anchors:
        return "the signing certificate comes from none of the trusted authorities"
    if not _may_sign(chain[0], alone=len(chain) == 1):
        return "the certificate is not for signing code"
    name = {
        _OID_NAMES.get(attribute.oid.dotted_string, attribute.oid.dotted_string): str(attribute.value)
        for attribute in chain[0].subject
    }
    if statement.subjects and not any(wanted.items() <= name.items() for wanted in statement.subjects):
        return f"the signer '{chain[0].subject.rfc4514_string()[:200]}' is none of the trusted identities"
    return ""


def _sha256() -> Any:
    from cryptography.hazmat.primitives.hashes import SHA256

    return SHA256()


def _is_authority(certificate: Certificate) -> bool:
    from cryptography.x509 import BasicConstraints, ExtensionNotFound

    try:
        return bool(certificate.extensions.get_extension_for_class(BasicConstraints).value.ca)
    except ExtensionNotFound:
        return False


def _may_sign(leaf: Certificate, *, alone: bool) -> bool:
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound, KeyUsage
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        if not leaf.extensions.get_extension_for_class(KeyUsage).value.digital_signature:
            return False
    except ExtensionNotFound:
        return False
    try:
        usages = leaf.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        usages = None
    if usages is not None and ExtendedKeyUsageOID.CODE_SIGNING not in usages:
        return False
    return alone or not _is_authority(leaf)


def outdated(chain: Sequence[Certificate], now: datetime) -> str:
    """Why the time of signing is not believed; empty when it does not matter."""
    for certificate in chain:
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return "a certificate of the chain is not valid today, and there is no trusted time stamp"
    return ""


def unasked(chain: Sequence[Certificate]) -> str:
    """Why nobody knows whether a certificate was revoked; empty when none can be."""
    from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

    for certificate in chain:
        for extension in certificate.extensions:
            if extension.oid == ExtensionOID.CRL_DISTRIBUTION_POINTS:
                return "a certificate may have been revoked, which cannot be asked by this version"
            if extension.oid == ExtensionOID.AUTHORITY_INFORMATION_ACCESS and any(
                access.access_method == AuthorityInformationAccessOID.OCSP
                for access in getattr(extension, "value", ())
            ):
                return "a certificate may have been revoked, which cannot be asked by this version"
    return ""
