"""Signatures that cosign made (spec source 9.4): find them in the registry, check those made with a key pair.

Newer ones are Sigstore bundles that refer to the image; older ones lie under the tag `<digest>.sig`.
Transparency logs are not asked. Nothing that a signature says is believed before it is verified.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.oci.errors import ContentNotFound, InvalidContent
from shared.oci.manifest import Descriptor, Manifest, parse_object
from shared.oci.registry import Registry

_BUNDLE = "application/vnd.dev.sigstore.bundle"
_SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
_SIGNATURE = "dev.cosignproject.cosign/signature"
_SIMPLE_TYPE = "cosign container image signature"
_STATEMENT = "application/vnd.in-toto+json"
_MAX_SIGNATURE_BYTES = 1024 * 1024
_MAX_SIGNATURES = 50
_MAX_KEYS = 50


class NotVerified(Exception):
    """No signature by any of the keys, or a key that cannot be read."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Bytes that somebody signed; `names` is the digest they speak of, if they are to be believed."""

    message: bytes
    signature: bytes
    names: str


async def verify_with_keys(registry: Registry, digest: str, keys: Mapping[str, bytes]) -> None:
    """Returns when one of the keys signed the manifest. Raises NotVerified, OciError."""
    public = load_keys(keys)
    tried = 0
    async for signed in _signatures(registry, digest):
        tried += 1
        if signed.names == digest and any(_is_signed_by(key, signed) for key in public):
            return
    what = f"none of {tried} signatures is by one of the keys" if tried else "no signatures found"
    raise NotVerified(f"no matching signatures for '{registry.repository.at(digest)}': {what}")


def load_keys(data: Mapping[str, bytes]) -> list[Any]:
    """Every `*.pub` entry; one that cannot be read spoils all. Raises NotVerified."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    names = sorted(name for name in data if name.endswith(".pub"))
    if not names or len(names) > _MAX_KEYS:
        raise NotVerified(f"the secret must hold 1 to {_MAX_KEYS} public keys under names that end in '.pub'")
    keys = []
    for name in names:
        try:
            keys.append(load_pem_public_key(data[name]))
        except (ValueError, UnsupportedAlgorithm) as error:
            raise NotVerified(f"public key '{name}' cannot be read") from error
    return keys


async def _signatures(registry: Registry, digest: str) -> AsyncIterator[Signed]:
    """Bundles, or where there is none the older form; broken ones are passed over."""
    bundles = 0
    async for raw in signed_bundles(registry, digest):
        bundles += 1
        try:
            yield parse_bundle(raw)
        except InvalidContent:
            continue
    if bundles:
        return
    async for layer in older_layers(registry, digest):
        try:
            raw = await registry.blob(layer, max_bytes=_MAX_SIGNATURE_BYTES)
            yield parse_simple(raw, layer.annotations.get(_SIGNATURE, ""))
        except (InvalidContent, ContentNotFound):
            continue


async def signed_bundles(registry: Registry, digest: str) -> AsyncIterator[bytes]:
    """Every Sigstore bundle that refers to the manifest, unchecked."""
    bundles = [entry for entry in await registry.referrers(digest) if entry.artifact_type.startswith(_BUNDLE)]
    for entry in bundles[:_MAX_SIGNATURES]:
        found = await _manifest(registry, entry.digest)
        for layer in found.layers[:1] if found else ():
            try:
                yield await registry.blob(layer, max_bytes=_MAX_SIGNATURE_BYTES)
            except (InvalidContent, ContentNotFound):
                continue


async def older_layers(registry: Registry, digest: str) -> AsyncIterator[Descriptor]:
    """Every signature under the tag `<digest>.sig`: a layer is what was signed, its annotations say how."""
    older = await _manifest(registry, digest.replace(":", "-") + ".sig")
    for layer in older.layers[:_MAX_SIGNATURES] if older else ():
        yield layer


async def _manifest(registry: Registry, reference: str) -> Manifest | None:
    try:
        found = await registry.manifest(reference)
    except (InvalidContent, ContentNotFound):
        return None
    return found if isinstance(found, Manifest) else None


def parse_simple(payload: bytes, signature: str) -> Signed:
    """The older form: what is signed is the blob itself. Raises InvalidContent."""
    critical = _object(parse_object(payload, "signature").get("critical"))
    if critical.get("type") != _SIMPLE_TYPE:
        raise InvalidContent("signature of another type")
    names = _object(critical.get("image")).get("docker-manifest-digest")
    return Signed(payload, _base64(signature), str(names))


def parse_bundle(raw: bytes) -> Signed:
    """A Sigstore bundle with an in-toto statement in a DSSE envelope. Raises InvalidContent."""
    envelope = _object(parse_object(raw, "bundle").get("dsseEnvelope"))
    signatures, kind = envelope.get("signatures"), envelope.get("payloadType")
    if kind != _STATEMENT or not isinstance(signatures, list) or len(signatures) != 1:
        raise InvalidContent("bundle without one signed statement")
    payload = _base64(envelope.get("payload"))
    message = b"DSSEv1 %d %s %d %s" % (len(_STATEMENT), _STATEMENT.encode(), len(payload), payload)
    return Signed(message, _base64(_object(signatures[0]).get("sig")), subject_of(str(kind), payload))


def subject_of(kind: str, payload: bytes) -> str:
    """The digest that a statement speaks of. Raises InvalidContent."""
    subjects = parse_object(payload, "statement").get("subject")
    if kind != _STATEMENT or not isinstance(subjects, list) or len(subjects) != 1:
        raise InvalidContent("statement without one subject")
    return f"sha256:{_object(_object(subjects[0]).get('digest')).get('sha256')}"


def _object(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise InvalidContent("signature that is not complete")
    return raw


def _base64(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidContent("signature that is not base64") from error


def _is_signed_by(key: Any, signed: Signed) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signed.signature, signed.message, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signed.signature, signed.message, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signed.signature, signed.message)
        else:
            return False
    except InvalidSignature:
        return False
    return True
