"""A Sigstore of our own: an authority that binds identities to keys, and a log that keeps signatures.

What it makes has the published formats (Fulcio's certificates, RFC 6962 timestamps, Rekor's entries, Sigstore
bundles), so that the genuine library verifies it against `trusted_root`.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import struct
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ISSUER = "https://token.actions.example"
IDENTITY = "https://github.example/org/app/.github/workflows/release.yaml@refs/heads/main"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_ISSUER_OID = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_SCT_OID = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_STATEMENT = "application/vnd.in-toto+json"
_SHA256 = ec.ECDSA(hashes.SHA256())
Key = ec.EllipticCurvePrivateKey


def _new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class FakeSigstore:
    """`log_url` is where `app` answers; `identity`, `issuer` and `signed_at` are of the next signature."""

    log_url: str = "https://rekor.example"
    identity: str = IDENTITY
    issuer: str = ISSUER
    signed_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    entries: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.authority, self.timestamps, self.log = _new_key(), _new_key(), _new_key()
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test Fulcio")])
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        self.root = (
            self._builder(name, name, self.authority.public_key(), dt.timedelta(days=100))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.authority.public_key()), critical=False
            )
            .sign(self.authority, hashes.SHA256())
        )

    @property
    def trusted_root(self) -> bytes:
        since = {"start": "2020-01-01T00:00:00Z"}

        def log(key: Key, url: str) -> dict[str, Any]:
            raw = _spki(key)
            return {
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": _b64(raw),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": since,
                },
                "logId": {"keyId": _b64(hashlib.sha256(raw).digest())},
            }

        authority = {
            "subject": {"organization": "test", "commonName": "Test Fulcio"},
            "uri": "https://fulcio.example",
            "certChain": {"certificates": [{"rawBytes": _b64(_der(self.root))}]},
            "validFor": since,
        }
        document = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.log, self.log_url)],
            "certificateAuthorities": [authority],
            "ctlogs": [log(self.timestamps, "https://ct.example")],
        }
        return json.dumps(document).encode()

    def bundle(self, digest: str) -> dict[str, Any]:
        """As cosign 3 signs a manifest."""
        key, certificate = self.certify()
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}}],
            "predicateType": "https://sigstore.dev/cosign/sign/v1",
        }
        payload = json.dumps(statement).encode()
        message = f"DSSEv1 {len(_STATEMENT)} {_STATEMENT} {len(payload)} ".encode() + payload
        signature = _b64(key.sign(message, _SHA256))
        spec = {
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(b"envelope").hexdigest()},
            "signatures": [{"signature": signature, "verifier": _b64(_pem(certificate))}],
        }
        entry = self._logged("dsse", spec)
        return {
            "mediaType": BUNDLE,
            "verificationMaterial": {
                "certificate": {"rawBytes": _b64(_der(certificate))},
                "tlogEntries": [_protobuf(entry, "dsse")],
            },
            "dsseEnvelope": {
                "payload": _b64(payload),
                "payloadType": _STATEMENT,
                "signatures": [{"sig": signature}],
            },
        }

    def annotations(self, payload: bytes) -> dict[str, str]:
        """As cosign 2 signs a payload: what stands beside it."""
        key, certificate = self.certify()
        signature = _b64(key.sign(payload, _SHA256))
        spec = {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}},
            "signature": {"content": signature, "publicKey": {"content": _b64(_pem(certificate))}},
        }
        entry = self._logged("hashedrekord", spec)
        promise = {
            "SignedEntryTimestamp": entry["verification"]["signedEntryTimestamp"],
            "Payload": {name: entry[name] for name in ("body", "integratedTime", "logIndex", "logID")},
        }
        return {
            "dev.cosignproject.cosign/signature": signature,
            "dev.sigstore.cosign/certificate": _pem(certificate).decode(),
            "dev.sigstore.cosign/bundle": json.dumps(promise),
        }

    def certify(self) -> tuple[Key, x509.Certificate]:
        """A key and its certificate, good for ten minutes from `signed_at`."""
        key = _new_key()
        name = x509.Name([])
        issuer = self.issuer.encode()
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
        builder = (
            self._builder(name, self.root.subject, key.public_key(), dt.timedelta(minutes=10))
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority.public_key()),
                critical=False,
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(self.identity)]), critical=True
            )
            .add_extension(
                x509.UnrecognizedExtension(_ISSUER_OID, b"\x0c" + _length(issuer) + issuer), critical=False
            )
        )
        bare = builder.sign(self.authority, hashes.SHA256()).tbs_certificate_bytes
        stamps = self._timestamp(bare)
        whole = builder.add_extension(
            x509.UnrecognizedExtension(_SCT_OID, b"\x04" + _length(stamps) + stamps), critical=False
        )
        return key, whole.sign(self.authority, hashes.SHA256())

    def app(self) -> web.Application:
        """The log's API, as far as it is asked."""

        async def entry(request: web.Request) -> web.Response:
            index = int(request.query["logIndex"])
            if index >= len(self.entries):
                return web.Response(status=404)
            return web.json_response({f"{index:064x}": self.entries[index]})

        app = web.Application()
        app.router.add_get("/api/v1/log/entries", entry)
        return app

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: Any, life: dt.timedelta
    ) -> x509.CertificateBuilder:
        """Good for a tenth of `life` before `signed_at`, too."""
        start = self.signed_at - life / 10
        serial = x509.random_serial_number()
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        return builder.serial_number(serial).not_valid_before(start).not_valid_after(start + life)

    def _timestamp(self, certificate: bytes) -> bytes:
        """A list with one signed certificate timestamp (RFC 6962, 3.2)."""
        moment = int(self.signed_at.timestamp() * 1000)
        issuer = hashlib.sha256(_spki(self.authority)).digest()
        entry = struct.pack(">H", 1) + issuer + len(certificate).to_bytes(3, "big") + certificate
        signed = struct.pack(">BBQ", 0, 0, moment) + entry + struct.pack(">H", 0)
        signature = self.timestamps.sign(signed, _SHA256)
        log_id = hashlib.sha256(_spki(self.timestamps)).digest()
        stamp = b"\0" + log_id + struct.pack(">QH", moment, 0) + struct.pack(">BBH", 4, 3, len(signature))
        stamp += signature
        return struct.pack(">HH", len(stamp) + 2, len(stamp)) + stamp

    def _logged(self, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        """Put an entry into a log of its own: a tree with one leaf."""
        body = json.dumps({"apiVersion": "0.0.1", "kind": kind, "spec": spec}).encode()
        log_id = hashlib.sha256(_spki(self.log)).digest()
        leaf = hashlib.sha256(b"\0" + body).digest()
        note = f"rekor.example - 1\n1\n{_b64(leaf)}\n"
        signed_note = _b64(log_id[:4] + self.log.sign(note.encode(), _SHA256))
        entry: dict[str, Any] = {
            "body": _b64(body),
            "integratedTime": int(self.signed_at.timestamp()),
            "logID": log_id.hex(),
            "logIndex": len(self.entries),
        }
        canonical = json.dumps(entry, separators=(",", ":"), sort_keys=True).encode()
        entry["verification"] = {
            "signedEntryTimestamp": _b64(self.log.sign(canonical, _SHA256)),
            "inclusionProof": {
                "logIndex": 0,
                "rootHash": leaf.hex(),
                "treeSize": 1,
                "hashes": [],
                "checkpoint": f"{note}\n\u2014 rekor.example {signed_note}\n",
            },
        }
        self.entries.append(entry)
        return entry


def _protobuf(entry: dict[str, Any], kind: str) -> dict[str, Any]:
    """An entry as bundles spell it."""
    proof = entry["verification"]["inclusionProof"]
    return {
        "logIndex": str(entry["logIndex"]),
        "logId": {"keyId": _b64(bytes.fromhex(entry["logID"]))},
        "kindVersion": {"kind": kind, "version": "0.0.1"},
        "integratedTime": str(entry["integratedTime"]),
        "inclusionPromise": {"signedEntryTimestamp": entry["verification"]["signedEntryTimestamp"]},
        "inclusionProof": {
            "logIndex": "0",
            "rootHash": _b64(bytes.fromhex(proof["rootHash"])),
            "treeSize": "1",
            "hashes": [],
            "checkpoint": {"envelope": proof["checkpoint"]},
        },
        "canonicalizedBody": entry["body"],
    }


def _length(content: bytes) -> bytes:
    """Of a DER value."""
    if len(content) < 0x80:
        return bytes([len(content)])
    raw = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(raw)]) + raw


def _spki(key: Key) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
