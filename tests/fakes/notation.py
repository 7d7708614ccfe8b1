"""Signs manifests as `notation sign` does: a JWS envelope with a chain of certificates."""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNATURE = "application/vnd.cncf.notary.signature"
JWS = "application/jose+json"


def _name(common: str) -> x509.Name:
    parts = ((NameOID.COUNTRY_NAME, "US"), (NameOID.STATE_OR_PROVINCE_NAME, "WA"))
    named = [x509.NameAttribute(oid, text) for oid, text in parts]
    named += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "example")]
    return x509.Name([*named, x509.NameAttribute(NameOID.COMMON_NAME, common)])


@dataclass
class Signer:
    """An authority and a signer of its own. The fields are what the next signature is like."""

    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    life: dt.timedelta = dt.timedelta(days=1)
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING
    revocable: bool = False
    header: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.BasicConstraints(ca=True, path_length=None)
        builder = self._builder(_name("root"), self.root_key.public_key())
        self.root = builder.add_extension(usage, critical=True).sign(self.root_key, hashes.SHA256())

    @property
    def authority(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.PEM)

    def envelope(self, digest: str) -> dict[str, Any]:
        protected = {
            "alg": "PS256" if isinstance(self.key, rsa.RSAPrivateKey) else "ES256",
            "cty": "application/vnd.cncf.notary.payload.v1+json",
            "crit": ["io.cncf.notary.signingScheme"],
            "io.cncf.notary.signingScheme": "notary.x509",
            "io.cncf.notary.signingTime": dt.datetime.now(dt.UTC).isoformat(),
            **self.header,
        }
        target = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1}
        first, second = _encoded(protected), _encoded({"targetArtifact": target})
        chain = [self._leaf(), self.root]
        x5c = [base64.b64encode(each.public_bytes(serialization.Encoding.DER)).decode() for each in chain]
        return {
            "protected": first,
            "payload": second,
            "header": {"x5c": x5c, "io.cncf.notary.signingAgent": "tests"},
            "signature": _b64(self._sign(f"{first}.{second}".encode())),
        }

    def _sign(self, message: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
            return self.key.sign(message, pss, hashes.SHA256())
        pair = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return b"".join(each.to_bytes(32, "big") for each in pair)

    def _leaf(self) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = self._builder(_name("signer"), self.key.public_key())
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([self.usage]), critical=False)
        if self.revocable:
            where = [x509.UniformResourceIdentifier("http://crl.example/list")]
            point = x509.DistributionPoint(where, None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        return builder.sign(self.root_key, hashes.SHA256())

    def _builder(self, subject: x509.Name, key: Any) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(_name("root")).public_key(key)
        serial = x509.random_serial_number()
        start = now - dt.timedelta(days=2)
        return builder.serial_number(serial).not_valid_before(start).not_valid_after(now + self.life)


def _encoded(document: dict[str, Any]) -> str:
    return _b64(json.dumps(document).encode())


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
