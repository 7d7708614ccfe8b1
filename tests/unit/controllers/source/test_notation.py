from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from controllers.source.cosign import NotVerified
from controllers.source.notation import parse_envelope, verify_notation
from controllers.source.notation_policy import Action, Check, statement_for
from shared.oci.errors import InvalidContent
from shared.oci.manifest import Descriptor
from shared.oci.push import push_artifact
from shared.oci.registry import Registry
from tests.fakes.notation import JWS, SIGNATURE, Signer
from tests.fakes.registry import fake_registry

EXPIRED = {"io.cncf.notary.expiry": "2020-01-01T00:00:00+00:00"}


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    async with fake_registry() as server, server.client() as client:
        yield client


@pytest.fixture
async def image(registry: Registry) -> Descriptor:
    return await push_artifact(registry, "v1", [(b"x", "a/b")])


def policy(level: str = "strict", identity: str = "*", scope: str = "*", **override: str) -> bytes:
    statement = {
        "name": "default",
        "registryScopes": [scope],
        "signatureVerification": {"level": level, "override": override},
        "trustStores": ["ca:team"],
        "trustedIdentities": [identity],
    }
    return json.dumps({"version": "1.0", "trustPolicies": [statement]}).encode()


def secret(signer: Signer, document: bytes | None = None) -> dict[str, bytes]:
    return {"trustpolicy.json": document or policy(), "ca.crt": signer.authority}


async def attach(registry: Registry, image: Descriptor, envelope: object, kind: str = JWS) -> None:
    content = json.dumps(envelope).encode()
    await push_artifact(registry, "", [(content, kind)], subject=image, artifact_type=SIGNATURE)


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)],
    ids=["ES256", "PS256"],
)
@pytest.mark.parametrize("identity", ["*", "x509.subject: C=US, ST=WA, O=example"])
async def test_a_signature_by_a_trusted_signer(
    registry: Registry, image: Descriptor, key: Any, identity: str
) -> None:
    signer = Signer(key=key)
    await attach(registry, image, signer.envelope(image.digest))

    assert await verify_notation(registry, image.digest, secret(signer, policy(identity=identity)))


@pytest.mark.parametrize(
    ("signer", "words"),
    [
        (Signer(life=dt.timedelta(days=-1)), "not valid today"),
        (Signer(usage=ExtendedKeyUsageOID.SERVER_AUTH), "not for signing code"),
        (Signer(revocable=True), "may have been revoked"),
        (Signer(header=EXPIRED), "has expired"),
        (Signer(header={"alg": "none"}), "does not suit"),
        (Signer(header={"alg": "PS256"}), "does not suit"),
        (Signer(header={"crit": ["io.cncf.notary.signingScheme", "x"]}), "not understood"),
        (Signer(header={"io.cncf.notary.signingScheme": "other"}), "another type or signing scheme"),
    ],
)
async def test_what_the_strict_level_refuses(
    registry: Registry, image: Descriptor, signer: Signer, words: str
) -> None:
    await attach(registry, image, signer.envelope(image.digest))
    with pytest.raises(NotVerified, match=words):
        await verify_notation(registry, image.digest, secret(signer))


async def test_strangers_other_images_and_other_names(registry: Registry, image: Descriptor) -> None:
    signer = Signer()
    with pytest.raises(NotVerified, match="no signatures found"):
        await verify_notation(registry, image.digest, secret(signer))
    await attach(registry, image, Signer().envelope(image.digest))
    with pytest.raises(NotVerified, match="none of the trusted authorities"):
        await verify_notation(registry, image.digest, secret(signer))
    await attach(registry, image, signer.envelope("sha256:" + "1" * 64))
    with pytest.raises(NotVerified, match="a signature is of sha256:111"):
        await verify_notation(registry, image.digest, secret(signer))
    await attach(registry, image, signer.envelope(image.digest))
    other = policy(identity="x509.subject: C=US, ST=WA, O=other")
    with pytest.raises(NotVerified, match="none of the trusted identities"):
        await verify_notation(registry, image.digest, secret(signer, other))


async def test_levels_that_tolerate(registry: Registry, image: Descriptor) -> None:
    signer = Signer(header=EXPIRED)
    await attach(registry, image, signer.envelope(image.digest))

    assert await verify_notation(registry, image.digest, secret(signer, policy("permissive")))
    assert not await verify_notation(registry, image.digest, secret(Signer(), policy("audit")))
    assert not await verify_notation(registry, image.digest, secret(signer, policy("skip")))
    overridden = policy("permissive", expiry="enforce")
    with pytest.raises(NotVerified, match="expired"):
        await verify_notation(registry, image.digest, secret(signer, overridden))


def changed_payload(envelope: dict[str, Any]) -> None:
    envelope["payload"] = envelope["payload"][:-4] + "AAAA"


def borrowed_chain(envelope: dict[str, Any]) -> None:
    envelope["header"] = Signer().envelope("sha256:0")["header"]


@pytest.mark.parametrize("tamper", [changed_payload, borrowed_chain])
def test_integrity(tamper: Callable[[dict[str, Any]], None]) -> None:
    envelope = Signer().envelope("sha256:" + "0" * 64)
    tamper(envelope)
    with pytest.raises(NotVerified, match="integrity"):
        parse_envelope(json.dumps(envelope).encode())


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"protected": "!"}', b'{"protected": "e30", "payload": "e30"}']
)
def test_broken_envelopes(raw: bytes) -> None:
    with pytest.raises(InvalidContent):
        parse_envelope(raw)


async def test_an_envelope_of_another_format_is_named(registry: Registry, image: Descriptor) -> None:
    await attach(registry, image, {}, kind="application/cose")
    with pytest.raises(NotVerified, match="application/cose"):
        await verify_notation(registry, image.digest, secret(Signer()))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "not JSON"),
        (b'{"version": "2.0"}', "version 1.0"),
        (b'{"version": "1.0", "trustPolicies": [{}]}', "registryScopes"),
        (policy(scope="other.example/x"), "no statement for"),
        (policy("lenient"), "no known level"),
        (policy(identity="x509.subject: O=example"), "at least C, ST and O"),
        (policy(identity="somebody"), "identity must be"),
        (policy(expiry="perhaps"), "unknown override"),
    ],
)
def test_policies_that_cannot_be_read(document: bytes, words: str) -> None:
    with pytest.raises(NotVerified, match=words):
        statement_for(document, "registry.example/team/app")


def test_the_statement_of_the_repository_comes_before_the_general_one() -> None:
    both = json.loads(policy("skip"))
    both["trustPolicies"] += json.loads(policy("audit", scope="registry.example/team/app"))["trustPolicies"]
    document = json.dumps(both).encode()

    assert statement_for(document, "registry.example/team/app").actions[Check.EXPIRY] is Action.LOG
    assert statement_for(document, "registry.example/other").skips


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"ca.crt": b"x"}, "trustpolicy"),
        ({"trustpolicy.json": policy(), "ca.crt": b"x"}, "cannot be read"),
        ({"trustpolicy.json": policy()}, "holds no certificates"),
    ],
)
async def test_secrets_that_lack_something(
    registry: Registry, image: Descriptor, entries: dict[str, bytes], words: str
) -> None:
    with pytest.raises(NotVerified, match=words):
        await verify_notation(registry, image.digest, entries)
