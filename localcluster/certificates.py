"""A certificate authority made at start, and what it signs: the server's certificate and those of clients."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = timedelta(days=3650)
_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
SERVICE_ADDRESS = "10.96.0.1"


@dataclass(frozen=True, slots=True)
class Serving:
    """PEM texts: the authority's certificate, the server's certificate and key, and the authority's key."""

    authority: bytes
    certificate: bytes
    key: bytes
    authority_key: bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """PEM texts: a client's certificate and key."""

    certificate: bytes
    key: bytes


def make_certificates(address: str) -> Serving:
    """A fresh authority and a certificate for `address` and the names of the API within a cluster."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localcluster-ca")])
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    authority = (
        _builder(authority_name, authority_name, authority_key.public_key())
        .add_extension(constraints, critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = (
        _builder(subject, authority_name, key.public_key())
        .add_extension(x509.SubjectAlternativeName(_alternatives(address)), critical=False)
        .add_extension(usage, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return Serving(_pem(authority), _pem(certificate), _key_pem(key), _key_pem(authority_key))


def issue_identity(serving: Serving, user: str, groups: Sequence[str]) -> Identity:
    """A client certificate of the authority: the common name is the user, organizations are its groups."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    names.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
    issuer = x509.load_pem_x509_certificate(serving.authority).subject
    signer = serialization.load_pem_private_key(serving.authority_key, password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    certificate = (
        _builder(x509.Name(names), issuer, key.public_key())
        .add_extension(usage, critical=False)
        .sign(signer, hashes.SHA256())
    )
    return Identity(_pem(certificate), _key_pem(key))


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
    )


def _alternatives(address: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in _NAMES]
    addresses = dict.fromkeys(("127.0.0.1", "::1", SERVICE_ADDRESS, address))
    for each in addresses:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(each)))
        except ValueError:
            names.append(x509.DNSName(each))
    return names


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
