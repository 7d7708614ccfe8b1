from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa

from controllers.source.cosign import NotVerified, load_keys, parse_bundle, parse_simple, verify_with_keys
from shared.oci.errors import InvalidContent
from shared.oci.manifest import Descriptor
from shared.oci.push import push_artifact
from shared.oci.registry import Registry
from tests.e2e.oci_repository.words import sign, simple_payload
from tests.fakes.registry import FakeRegistry, fake_registry

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
DIGEST = "sha256:" + "1" * 64
RSA = rsa.generate_private_key(65537, 2048)


@pytest.fixture
async def server() -> AsyncIterator[FakeRegistry]:
    async with fake_registry() as running:
        yield running


def public(key: Any) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def signed_by(key: Any, message: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashes.SHA256()))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(message)


def bundle(key: Any, digest: str) -> bytes:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
    }
    payload, kind = json.dumps(statement).encode(), "application/vnd.in-toto+json"
    message = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": kind,
        "signatures": [{"sig": base64.b64encode(signed_by(key, message)).decode()}],
    }
    return json.dumps({"mediaType": BUNDLE, "dsseEnvelope": envelope}).encode()


async def attach(registry: Registry, subject: Descriptor, content: bytes) -> None:
    await push_artifact(registry, "", [(content, BUNDLE)], subject=subject, artifact_type=BUNDLE)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        RSA,
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["P-256", "P-384", "RSA", "Ed25519"],
)
async def test_bundles(server: FakeRegistry, key: Any) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    async with server.client() as registry:
        subject = await push_artifact(registry, "v1", [(b"x", "a/b")])
        await attach(registry, subject, b"rubbish")
        await attach(registry, subject, bundle(other, subject.digest))
        with pytest.raises(NotVerified, match="none of 1 signatures"):
            await verify_with_keys(registry, subject.digest, {"a.pub": public(key)})
        await attach(registry, subject, bundle(key, DIGEST))
        with pytest.raises(NotVerified, match="none of 2 signatures"):
            await verify_with_keys(registry, subject.digest, {"a.pub": public(key)})
        await attach(registry, subject, bundle(key, subject.digest))
        await verify_with_keys(registry, subject.digest, {"z.pub": public(key), "a.pub": public(RSA)})


async def test_the_older_form(server: FakeRegistry) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    async with server.client() as registry:
        subject = await push_artifact(registry, "v1", [(b"x", "a/b")])
        with pytest.raises(NotVerified, match="no signatures found"):
            await verify_with_keys(registry, subject.digest, {"a.pub": public(key)})
        await sign(registry, subject.digest, key)
        await verify_with_keys(registry, subject.digest, {"a.pub": public(key)})
        with pytest.raises(NotVerified):
            await verify_with_keys(registry, subject.digest, {"a.pub": public(RSA)})


async def test_a_huge_signature_is_not_fetched(server: FakeRegistry) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    async with server.client() as registry:
        subject = await push_artifact(registry, "v1", [(b"x", "a/b")])
        await attach(registry, subject, b" " * (2 * 1024**2))
        server.calls.clear()
        with pytest.raises(NotVerified, match="no signatures found"):
            await verify_with_keys(registry, subject.digest, {"a.pub": public(key)})
    assert server.seen("GET", "/blobs/") == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b'{"dsseEnvelope": 1}',
        b'{"dsseEnvelope": {"payloadType": "application/vnd.in-toto+json", "signatures": []}}',
        b'{"dsseEnvelope": {"payloadType": "x", "payload": "", "signatures": [{}]}}',
        b'{"dsseEnvelope": {"payloadType": "application/vnd.in-toto+json", "payload": "!", "signatures": [{}]}}',
        b'{"dsseEnvelope": {"payloadType": "application/vnd.in-toto+json", "payload": "e30=", "signatures": [{}]}}',
    ],
)
def test_broken_signatures(raw: bytes) -> None:
    with pytest.raises(InvalidContent):
        parse_bundle(raw)
    with pytest.raises(InvalidContent):
        parse_simple(raw, "")


def test_a_payload_of_another_type_is_none() -> None:
    parse_simple(simple_payload(DIGEST), "AAAA")
    with pytest.raises(InvalidContent):
        parse_simple(simple_payload(DIGEST).replace(b"cosign container", b"other"), "AAAA")
    with pytest.raises(InvalidContent):
        parse_simple(simple_payload(DIGEST), "!")


def test_keys() -> None:
    assert len(load_keys({"a.pub": public(RSA), "b.pub": public(RSA), "cosign.key": b"x"})) == 2
    for data in ({}, {"cosign.key": b"x"}, {"a.pub": public(RSA), "b.pub": b"rubbish"}, {"a.pub": b""}):
        with pytest.raises(NotVerified):
            load_keys(data)
    assert load_keys({"a.pub": public(dsa.generate_private_key(1024))})
