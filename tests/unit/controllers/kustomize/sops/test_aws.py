"""AWS KMS through AWS's own library, against a server that encrypts and decrypts for real."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest

from controllers.kustomize.sops.cloud import aws
from controllers.kustomize.sops.cloud.identity import Nobody
from controllers.kustomize.sops.errors import DataKeyUnavailable
from controllers.kustomize.sops.metadata import KeyKind, WrappedKey
from shared.cloud.aws import AwsCredentials
from shared.cloud.registry import Cloud
from tests.fakes.moto_server import moto_server

DATA_KEY = bytes(range(32))
CONTEXT = {"team": "apps"}
KEYS = AwsCredentials("AKIA", "secret", "", datetime(2099, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def amazon() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def wrapped(amazon: str, monkeypatch: pytest.MonkeyPatch) -> WrappedKey:
    monkeypatch.setenv("AWS_ENDPOINT_URL", amazon)
    kms = boto3.client(
        "kms",
        region_name="eu-west-1",
        endpoint_url=amazon,
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    sealed = kms.encrypt(KeyId=arn, Plaintext=DATA_KEY, EncryptionContext=CONTEXT)["CiphertextBlob"]
    where = {"arn": arn, "context": CONTEXT}
    return WrappedKey(KeyKind.AWS_KMS, base64.b64encode(sealed).decode(), where)


class Role:
    """Hands out keys for a region."""

    def __init__(self) -> None:
        self.regions: list[str] = []

    async def aws_keys(self, region: str) -> AwsCredentials:
        self.regions.append(region)
        return KEYS

    async def bearer(self, cloud: Cloud, scope: str = "") -> str:
        raise AssertionError(cloud, scope)


async def test_static_keys_open_a_data_key(wrapped: WrappedKey) -> None:
    assert await aws.decrypt(KEYS, Nobody(), wrapped) == DATA_KEY


async def test_an_identity_stands_in_for_static_keys(wrapped: WrappedKey) -> None:
    role = Role()

    assert await aws.decrypt(None, role, wrapped) == DATA_KEY
    assert role.regions == ["eu-west-1"], "the region is that of the key's ARN"


async def test_the_role_of_the_document_is_taken_first(wrapped: WrappedKey) -> None:
    where = {**wrapped.where, "role": "arn:aws:iam::123456789012:role/sops"}

    assert await aws.decrypt(KEYS, Nobody(), WrappedKey(wrapped.kind, wrapped.encrypted, where)) == DATA_KEY


@pytest.mark.parametrize(
    ("encrypted", "context", "words"),
    [
        (None, {"team": "others"}, "InvalidCiphertext"),
        ("bm90aGluZw==", CONTEXT, "AWS KMS"),
        ("%%", CONTEXT, "not base64"),
    ],
    ids=["another context", "not from this service", "not base64"],
)
async def test_what_cannot_be_opened_is_one_line(
    wrapped: WrappedKey, encrypted: str | None, context: dict[str, str], words: str
) -> None:
    where = {**wrapped.where, "context": context}
    with pytest.raises(DataKeyUnavailable, match=words) as caught:
        await aws.decrypt(KEYS, Nobody(), WrappedKey(wrapped.kind, encrypted or wrapped.encrypted, where))
    assert "\n" not in str(caught.value)
