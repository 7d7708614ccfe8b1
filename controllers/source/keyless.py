"""Keyless signatures of cosign (spec source 9.4): a certificate and a log say who signed, not a key.

Newer signatures are Sigstore bundles, which hold all that is needed. Older ones lie beside the image with the
certificate and a promise of the log as annotations; the proof that the entry is in the log is fetched.
Nothing is believed before sigstore_check has verified it against the root of trust.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from controllers.source.cosign import NotVerified, older_layers, parse_simple, signed_bundles
from controllers.source.sigstore_check import Candidate, Identity, Root, check
from shared.oci.errors import ContentNotFound, InvalidContent
from shared.oci.manifest import Descriptor, parse_object
from shared.oci.registry import Registry

_CERTIFICATE = "dev.sigstore.cosign/certificate"
_ENTRY = "dev.sigstore.cosign/bundle"
_SIGNATURE = "dev.cosignproject.cosign/signature"
_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_SECONDS = 15
_MAX_ANSWER = 1024 * 1024
_MAX_SIGNATURE_BYTES = 1024 * 1024
_MAX_TOLD = 3


@dataclass(frozen=True, slots=True)
class Keyless:
    """Who may have signed (anybody, where `identities` is empty), and whom we trust to say so."""

    identities: tuple[Identity, ...]
    root: Root


async def verify_keyless(registry: Registry, digest: str, wanted: Keyless) -> None:
    """Returns when one of the identities signed the manifest. Raises NotVerified, OciError."""
    failures: list[str] = []
    async for candidate in _candidates(registry, digest, wanted.root, failures):
        try:
            named = await asyncio.to_thread(check, candidate, wanted.root, wanted.identities)
        except NotVerified as error:
            failures.append(str(error))
            continue
        if named == digest:
            return
        failures.append(f"a signature is of {named[:80]}")
    told = "; ".join(dict.fromkeys(failures[:_MAX_TOLD])) or "no signatures found"
    raise NotVerified(f"no matching signatures for '{registry.repository.at(digest)}': {told}")


async def _candidates(
    registry: Registry, digest: str, root: Root, failures: list[str]
) -> AsyncIterator[Candidate]:
    bundles = 0
    async for raw in signed_bundles(registry, digest):
        bundles += 1
        yield Candidate(raw)
    if bundles:
        return
    async for layer in older_layers(registry, digest):
        try:
            payload = await registry.blob(layer, max_bytes=_MAX_SIGNATURE_BYTES)
            parse_simple(payload, layer.annotations.get(_SIGNATURE, ""))
            yield Candidate(await _bundle_of(layer, root), payload)
        except (InvalidContent, ContentNotFound, NotVerified) as error:
            failures.append(str(error))


async def _bundle_of(layer: Descriptor, root: Root) -> bytes:
    """The bundle that an older signature would be today. Raises InvalidContent, NotVerified."""
    annotations = layer.annotations
    if _CERTIFICATE not in annotations or _ENTRY not in annotations:
        raise InvalidContent("a signature was made with a key")
    promised = parse_object(annotations[_ENTRY].encode(), "log entry of a signature")
    entry = await _logged(root, promised)
    return orjson.dumps(bundle_of(annotations[_SIGNATURE], annotations[_CERTIFICATE], layer.digest, entry))


def bundle_of(signature: str, certificate: str, digest: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """A Sigstore bundle from the parts of an older signature; `entry` is the log's answer. Pure.

    Raises InvalidContent for what is not complete.
    """
    try:
        body, proof = parse_object(base64.b64decode(entry["body"]), "log entry"), entry["verification"]
        inclusion = proof["inclusionProof"]
        logged = {
            "logIndex": str(entry["logIndex"]),
            "logId": {"keyId": _base64(bytes.fromhex(entry["logID"]))},
            "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
            "integratedTime": str(entry["integratedTime"]),
            "inclusionPromise": {"signedEntryTimestamp": proof["signedEntryTimestamp"]},
            "inclusionProof": {
                "logIndex": str(inclusion["logIndex"]),
                "rootHash": _base64(bytes.fromhex(inclusion["rootHash"])),
                "treeSize": str(inclusion["treeSize"]),
                "hashes": [_base64(bytes.fromhex(each)) for each in inclusion["hashes"]],
                "checkpoint": {"envelope": inclusion["checkpoint"]},
            },
            "canonicalizedBody": entry["body"],
        }
        message = {
            "messageDigest": {
                "algorithm": "SHA2_256",
                "digest": _base64(bytes.fromhex(digest.removeprefix("sha256:"))),
            },
            "signature": signature,
        }
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidContent("a signature whose log entry is not complete") from error
    material = {"certificate": {"rawBytes": _der(certificate)}, "tlogEntries": [logged]}
    return {"mediaType": _MEDIA_TYPE, "verificationMaterial": material, "messageSignature": message}


async def _logged(root: Root, promised: Mapping[str, Any]) -> Mapping[str, Any]:
    """The log's own answer for an entry. Raises NotVerified."""
    index = (promised.get("Payload") or {}).get("logIndex")
    if not isinstance(index, int) or index < 0:
        raise NotVerified("a signature names no entry of the transparency log")
    address = f"{root.log_url.rstrip('/')}/api/v1/log/entries"
    try:
        async with (
            aiohttp.ClientSession(trust_env=True) as http,
            http.get(
                address,
                params={"logIndex": str(index)},
                ssl=root.tls if root.tls is not None else True,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=_SECONDS),
            ) as response,
        ):
            raw = await response.content.read(_MAX_ANSWER + 1)
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise NotVerified(
            f"the transparency log {address} cannot be reached ({type(error).__name__})"
        ) from error
    if status != 200 or len(raw) > _MAX_ANSWER:
        raise NotVerified(f"the transparency log {address} answered HTTP {status}")
    try:
        entries = list(parse_object(raw, "answer of the transparency log").values())
    except InvalidContent as error:
        raise NotVerified(str(error)) from error
    if len(entries) != 1 or not isinstance(entries[0], dict):
        raise NotVerified("the transparency log did not answer with one entry")
    return entries[0]


def _der(certificate: str) -> str:
    """Base64 of the first certificate's DER. Raises InvalidContent."""
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    try:
        return _base64(load_pem_x509_certificate(certificate.encode()).public_bytes(Encoding.DER))
    except ValueError as error:
        raise InvalidContent("a signature whose certificate cannot be read") from error


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
