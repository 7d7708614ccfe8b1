"""Signatures of notation (spec source 9.5): JWS envelopes that refer to a manifest, and X.509 chains.

Follows the Notary Project's signature-specification and trust-store-trust-policy. COSE envelopes and
countersignatures of time stamping authorities are not read: such a signature does not count. Whether
certificates are revoked is not asked: one that names where to ask fails the check of revocation.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from controllers.source.cosign import NotVerified
from controllers.source.notation_chain import distrust, outdated, unasked
from controllers.source.notation_policy import Action, Check, Statement, statement_for
from shared.oci.errors import ContentNotFound, InvalidContent
from shared.oci.manifest import Descriptor, Index, Manifest, parse_object
from shared.oci.registry import Registry

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

log = structlog.get_logger()
_SIGNATURE = "application/vnd.cncf.notary.signature"
_JWS = "application/jose+json"
_PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"
_SCHEME, _X509 = "io.cncf.notary.signingScheme", "notary.x509"
_EXPIRY = "io.cncf.notary.expiry"
_UNDERSTOOD = frozenset({_SCHEME, _EXPIRY})
_POLICY = "trustpolicy.json"
_MAX_TRIED, _MAX_BYTES, _MAX_CHAIN = 3, 1024 * 1024, 10


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signature whose integrity holds: what it says, and who signed (the leaf is first)."""

    digest: str
    expiry: datetime | None
    chain: tuple[Certificate, ...]


async def verify_notation(registry: Registry, digest: str, secret: Mapping[str, bytes]) -> bool:
    """Whether there is a verdict: the policy may say that none is wanted. Raises NotVerified, OciError."""
    if _POLICY not in secret:
        raise NotVerified(f"the secret holds no '{_POLICY}'")
    repository = registry.repository
    statement = statement_for(secret[_POLICY], f"{repository.host}/{repository.path}")
    if statement.skips:
        return False
    trusted = await asyncio.to_thread(_authorities, secret)
    failures: list[str] = []
    for raw in await _envelopes(registry, digest, failures):
        try:
            return await asyncio.to_thread(_judge, raw, digest, trusted, statement)
        except (NotVerified, InvalidContent) as error:
            failures.append(str(error))
    told = "; ".join(dict.fromkeys(failures)) or "no signatures found"
    raise NotVerified(f"no signature of '{repository.at(digest)}' counts: {told}")


async def _envelopes(registry: Registry, digest: str, failures: list[str]) -> list[bytes]:
    found: list[bytes] = []
    entries = [each for each in await registry.referrers(digest) if each.artifact_type == _SIGNATURE]
    for entry in entries[:_MAX_TRIED]:
        try:
            layer = _only_layer(await registry.manifest(entry.digest))
            found.append(await registry.blob(layer, max_bytes=_MAX_BYTES))
        except (InvalidContent, ContentNotFound) as error:
            failures.append(str(error))
    return found


def _only_layer(manifest: Manifest | Index) -> Descriptor:
    if not isinstance(manifest, Manifest) or len(manifest.layers) != 1:
        raise InvalidContent("a signature that is not one layer")
    if manifest.layers[0].media_type != _JWS:
        kind = manifest.layers[0].media_type[:100]
        raise InvalidContent(f"a signature of type '{kind}', while only {_JWS} is read")
    return manifest.layers[0]


def _judge(raw: bytes, digest: str, trusted: Sequence[Certificate], statement: Statement) -> bool:
    envelope = parse_envelope(raw)
    if envelope.digest != digest:
        raise NotVerified(f"a signature is of {envelope.digest[:80]}")
    now = datetime.now(UTC)
    checks = {
        Check.AUTHENTICITY: distrust(envelope.chain, trusted, statement),
        Check.TIMESTAMP: outdated(envelope.chain, now),
        Check.EXPIRY: "the signature has expired" if envelope.expiry and envelope.expiry < now else "",
        Check.REVOCATION: unasked(envelope.chain),
    }
    for check, trouble in checks.items():
        action = statement.actions[check]
        if trouble and action is Action.ENFORCE:
            raise NotVerified(f"{check}: {trouble}")
        if trouble and action is Action.LOG:
            log.warning("signature tolerated by the trust policy", check=check, trouble=trouble)
    # A signer whom nobody vouches for gives no verdict, even where that is tolerated.
    return not checks[Check.AUTHENTICITY]


def parse_envelope(raw: bytes) -> Envelope:
    """Read a JWS envelope and check its signature by its own leaf. Raises InvalidContent, NotVerified."""
    document = parse_object(raw, "signature")
    protected_text, payload_text = str(document.get("protected")), str(document.get("payload"))
    protected = parse_object(_decoded(protected_text), "header of a signature")
    critical = protected.get("crit")
    if protected.get("cty") != _PAYLOAD or protected.get(_SCHEME) != _X509:
        raise InvalidContent("a signature of another type or signing scheme")
    if (
        not isinstance(critical, list)
        or not set(map(str, critical)) <= _UNDERSTOOD
        or _SCHEME not in critical
    ):
        raise InvalidContent("a signature with critical headers that are not understood")
    chain = _chain(document.get("header"))
    message = f"{protected_text}.{payload_text}".encode()
    _require_signed(chain[0], str(protected.get("alg")), _decoded(str(document.get("signature"))), message)
    target = parse_object(_decoded(payload_text), "payload of a signature").get("targetArtifact")
    if not isinstance(target, dict):
        raise InvalidContent("a signature of nothing")
    return Envelope(str(target.get("digest")), _moment(protected.get(_EXPIRY)), chain)


def _chain(header: object) -> tuple[Certificate, ...]:
    from cryptography.x509 import load_der_x509_certificate

    listed = header.get("x5c") if isinstance(header, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= _MAX_CHAIN:
        raise InvalidContent("a signature without certificates")
    try:
        return tuple(load_der_x509_certificate(base64.b64decode(str(each))) for each in listed)
    except (ValueError, binascii.Error) as error:
        raise InvalidContent("a signature whose certificates cannot be read") from error


def _require_signed(leaf: Certificate, algorithm: str, signature: bytes, message: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    bits = algorithm[2:]
    chosen = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}.get(bits)
    key = leaf.public_key()
    try:
        if chosen is not None and algorithm.startswith("PS") and isinstance(key, rsa.RSAPublicKey):
            pss = padding.PSS(mgf=padding.MGF1(chosen), salt_length=chosen.digest_size)
            key.verify(signature, message, pss, chosen)
            return
        if chosen is not None and algorithm.startswith("ES") and isinstance(key, ec.EllipticCurvePublicKey):
            half = len(signature) // 2
            pair = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
            key.verify(encode_dss_signature(*pair), message, ec.ECDSA(chosen))
            return
    except InvalidSignature as error:
        raise NotVerified("integrity: the signature does not match its content") from error
    raise NotVerified(f"integrity: algorithm {algorithm[:20]!r} does not suit the signer's key")


def _authorities(secret: Mapping[str, bytes]) -> list[Certificate]:
    """Of every `*.crt` and `*.pem` entry. Raises NotVerified."""
    from cryptography.x509 import load_pem_x509_certificates

    found: list[Certificate] = []
    for name in sorted(secret):
        if not name.endswith((".crt", ".pem")):
            continue
        try:
            found += load_pem_x509_certificates(secret[name])
        except ValueError as error:
            raise NotVerified(f"certificate '{name}' cannot be read") from error
    if not found:
        raise NotVerified("the secret holds no certificates under names that end in '.crt' or '.pem'")
    return found


def _moment(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(str(text))
    except ValueError as error:
        raise InvalidContent("a signature whose expiry is no time") from error


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error) as error:
        raise InvalidContent("a signature that is not base64") from error
