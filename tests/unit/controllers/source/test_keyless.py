"""The genuine library judges what a Sigstore of our own signed."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from controllers.source.cosign import NotVerified
from controllers.source.keyless import Keyless, verify_keyless
from controllers.source.sigstore_check import Identity, Root
from shared.oci.manifest import Descriptor
from shared.oci.push import push_artifact
from shared.oci.registry import Registry
from tests.e2e.oci_repository.words import sign_with, simple_payload
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.fakes.sigstore import BUNDLE, IDENTITY, ISSUER, FakeSigstore

RIGHT = (Identity("^https://token\\.actions\\.example$", "/org/app/"),)


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    server: FakeRegistry
    async with fake_registry() as server, server.client() as client:
        yield client


@pytest.fixture
async def sigstore() -> AsyncIterator[FakeSigstore]:
    fake = FakeSigstore()
    runner = web.AppRunner(fake.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.log_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
async def image(registry: Registry) -> Descriptor:
    return await push_artifact(registry, "v1", [(b"x", "a/b")])


async def attach(registry: Registry, image: Descriptor, bundle: dict[str, Any]) -> None:
    content = json.dumps(bundle).encode()
    await push_artifact(registry, "", [(content, BUNDLE)], subject=image, artifact_type=BUNDLE)


def wanted(sigstore: FakeSigstore, identities: tuple[Identity, ...] = RIGHT) -> Keyless:
    return Keyless(identities, Root.parse(sigstore.trusted_root))


@pytest.mark.parametrize("identities", [RIGHT, (), (Identity("^no$", "^no$"), *RIGHT)])
async def test_a_bundle_of_the_right_identity(
    registry: Registry, sigstore: FakeSigstore, image: Descriptor, identities: tuple[Identity, ...]
) -> None:
    await attach(registry, image, sigstore.bundle(image.digest))
    await verify_keyless(registry, image.digest, wanted(sigstore, identities))


async def test_the_older_form_is_proven_by_the_log(
    registry: Registry, sigstore: FakeSigstore, image: Descriptor
) -> None:
    payload = simple_payload(image.digest)
    await sign_with(registry, image.digest, payload, sigstore.annotations(payload))

    await verify_keyless(registry, image.digest, wanted(sigstore))


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        (Identity("^https://accounts\\.example$", ".*"), "none of the expected identities"),
        (Identity(".*", "^https://github\\.example/org/other/"), "none of the expected identities"),
        (Identity("(", ".*"), "no regular expression"),
        (Identity("(?=x)", ".*"), "no regular expression"),
        (Identity("x" * 2000, ".*"), "longer than"),
    ],
)
async def test_somebody_elses_signature(
    registry: Registry, sigstore: FakeSigstore, image: Descriptor, identity: Identity, words: str
) -> None:
    await attach(registry, image, sigstore.bundle(image.digest))
    with pytest.raises(NotVerified, match=words):
        await verify_keyless(registry, image.digest, wanted(sigstore, (identity,)))


def another_payload(bundle: dict[str, Any]) -> None:
    envelope = bundle["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"])) | {"predicateType": "other"}
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()


def another_certificate(bundle: dict[str, Any]) -> None:
    bundle["verificationMaterial"]["certificate"] = FakeSigstore().bundle("sha256:" + "0" * 64)[
        "verificationMaterial"
    ]["certificate"]


def no_log_entry(bundle: dict[str, Any]) -> None:
    bundle["verificationMaterial"]["tlogEntries"] = []


def another_time(bundle: dict[str, Any]) -> None:
    entry = bundle["verificationMaterial"]["tlogEntries"][0]
    entry["integratedTime"] = str(int(entry["integratedTime"]) - 3600)


def another_proof(bundle: dict[str, Any]) -> None:
    proof = bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    proof["rootHash"] = base64.b64encode(b"\0" * 32).decode()


@pytest.mark.parametrize(
    "tamper", [another_payload, another_certificate, no_log_entry, another_time, another_proof]
)
async def test_a_bundle_that_was_changed(
    registry: Registry,
    sigstore: FakeSigstore,
    image: Descriptor,
    tamper: Callable[[dict[str, Any]], None],
) -> None:
    bundle = sigstore.bundle(image.digest)
    tamper(bundle)
    await attach(registry, image, bundle)
    with pytest.raises(NotVerified, match="no matching signatures"):
        await verify_keyless(registry, image.digest, wanted(sigstore))


async def test_a_signature_of_another_image(
    registry: Registry, sigstore: FakeSigstore, image: Descriptor
) -> None:
    await attach(registry, image, sigstore.bundle("sha256:" + "1" * 64))
    with pytest.raises(NotVerified, match="a signature is of sha256:111"):
        await verify_keyless(registry, image.digest, wanted(sigstore))


async def test_an_authority_that_is_not_trusted(
    registry: Registry, sigstore: FakeSigstore, image: Descriptor
) -> None:
    await attach(registry, image, FakeSigstore().bundle(image.digest))
    with pytest.raises(NotVerified, match="certificate chain"):
        await verify_keyless(registry, image.digest, wanted(sigstore))


async def test_a_certificate_long_expired_is_good_for_what_it_signed_then(
    registry: Registry, sigstore: FakeSigstore, image: Descriptor
) -> None:
    sigstore.signed_at -= dt.timedelta(hours=3)
    await attach(registry, image, sigstore.bundle(image.digest))

    await verify_keyless(registry, image.digest, wanted(sigstore))


async def test_an_older_signature_that_the_log_does_not_know(
    registry: Registry, sigstore: FakeSigstore, image: Descriptor
) -> None:
    payload = simple_payload(image.digest)
    await sign_with(registry, image.digest, payload, sigstore.annotations(payload))
    sigstore.entries.clear()
    with pytest.raises(NotVerified, match="answered HTTP 404"):
        await verify_keyless(registry, image.digest, wanted(sigstore))


async def test_unsigned(registry: Registry, sigstore: FakeSigstore, image: Descriptor) -> None:
    with pytest.raises(NotVerified, match="no signatures found"):
        await verify_keyless(registry, image.digest, wanted(sigstore))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a trusted_root"),
        (b"[]", "is not a trusted_root"),
        (b'{"tlogs": []}', "names no address"),
        (b'{"tlogs": [{"baseUrl": "file:///etc/passwd"}]}', "names no address"),
    ],
)
def test_roots_that_are_none(content: bytes, words: str) -> None:
    with pytest.raises(NotVerified, match=words):
        Root.parse(content)


def test_the_fake_signs_as_whom_the_tests_expect() -> None:
    assert (FakeSigstore().issuer, FakeSigstore().identity) == (ISSUER, IDENTITY)
