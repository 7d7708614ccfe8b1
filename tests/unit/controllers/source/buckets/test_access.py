"""Which credentials open a Bucket, in which order, and what is said when there are none."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from controllers.source.buckets.access import BucketAccess
from controllers.source.buckets.azure import AzureContainer
from controllers.source.buckets.gcs import GoogleStorage
from controllers.source.buckets.s3 import S3
from shared.kube.secrets import Secrets
from shared.model.bucket import Bucket
from shared.runtime.failure import Failure, Stalled
from shared.runtime.identities import Identities
from shared.runtime.registry_secrets import RegistrySecrets
from tests.unit.shared.kube.fake_api import fake_api, status

SECRETS: Mapping[str, Mapping[str, str]] = {
    "s3": {"accesskey": "a\n", "secretkey": "canary"},
    "half": {"accesskey": "a"},
    "key": {"accountKey": "Y2FuYXJ5", "sasKey": "?sig=x"},
    "sas": {"sasKey": "?sig=canary"},
    "nothing": {"user": "canary"},
    "ldap": {"username": "u"},
    "gcp": {"serviceaccount": '{"type": "external_account", "private_key": "canary"}'},
    "socks": {"address": "ftp://u:canary@proxy"},
    "trust": {"tls.crt": "canary"},
}
AZURE = {"provider": "azure", "endpoint": "https://acc.blob.core.windows.net"}
LDAP = {"provider": "ldap", "endpoint": "https://sts.example.com"}
AWS_STS = {"provider": "aws", "endpoint": "https://sts.amazonaws.com"}


async def answer(request: web.Request) -> web.Response:
    kind, name = request.path.rsplit("/", 2)[1:]
    if kind == "secrets" and name in SECRETS:
        data = {key: base64.b64encode(text.encode()).decode() for key, text in SECRETS[name].items()}
        return web.json_response({"metadata": {"name": name}, "data": data})
    return status(404, "NotFound", f"{name} not found")


@pytest.fixture
async def access() -> AsyncIterator[BucketAccess]:
    async with fake_api(answer) as client:
        secrets = Secrets(client)
        identities = Identities.over(
            client, enabled=False, default_account="", size=0, longest=timedelta(hours=1)
        )
        yield BucketAccess(secrets, RegistrySecrets(client, secrets), identities, google="http://emulator")


def bucket(**spec: Any) -> Bucket:
    given = {"interval": "1m", "bucketName": "objects", "endpoint": "minio.example.com"} | spec
    for name in ("secretRef", "certSecretRef", "proxySecretRef"):
        if name in given:
            given[name] = {"name": given[name]}
    return Bucket.parse({"metadata": {"name": "b", "namespace": "n"}, "spec": given})


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({}, S3),
        ({"secretRef": "s3"}, S3),
        ({"provider": "aws", "secretRef": "s3"}, S3),
        ({"provider": "gcp"}, GoogleStorage),
        ({**AZURE, "secretRef": "key"}, AzureContainer),
        ({**AZURE, "secretRef": "sas"}, AzureContainer),
        # Not over plain HTTP, where there is nothing to trust.
        ({"insecure": True, "certSecretRef": "none"}, S3),
    ],
)
async def test_what_opens_a_bucket(access: BucketAccess, spec: dict[str, Any], kind: type) -> None:
    async with access.opened(bucket(**spec)) as store:
        assert isinstance(store, kind)
        assert "canary" not in repr(store)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"secretRef": "none"}, "secret 'n/none' not found"),
        ({"secretRef": "half"}, "secret 'n/half': key 'secretkey' not found"),
        ({"provider": "gcp", "secretRef": "s3"}, "key 'serviceaccount' not found"),
        ({"provider": "gcp", "secretRef": "gcp"}, "service account"),
        ({**AZURE, "secretRef": "nothing"}, "give 'accountKey', 'sasKey', 'clientId'"),
        ({**AZURE, "endpoint": "http://localhost", "secretRef": "key"}, "begins with the account's name"),
        ({**AZURE, "endpoint": "blob", "secretRef": "sas"}, "must be a URL of http or https"),
        ({"sts": LDAP}, "needs a secretRef with 'username' and 'password'"),
        ({"sts": {**LDAP, "secretRef": {"name": "ldap"}}}, "secret 'n/ldap': key 'password' not found"),
        ({"certSecretRef": "trust"}, "'tls.crt' and 'tls.key' need each other"),
        ({"certSecretRef": "s3"}, "neither 'ca.crt' nor"),
        ({"proxySecretRef": "socks"}, "proxy address must be"),
        ({"endpoint": "a/b"}, "is no host[:port]"),
    ],
)
async def test_what_does_not(access: BucketAccess, spec: dict[str, Any], said: str) -> None:
    with pytest.raises(Failure) as caught:
        async with access.opened(bucket(**spec)):
            pass
    assert (caught.value.reason, isinstance(caught.value, Stalled)) == ("AuthenticationFailed", False)
    assert said in caught.value.message
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"provider": "aws", "serviceAccountName": "me"}, "FeatureGateDisabled"),
        ({"provider": "gcp", "sts": AWS_STS}, "InvalidSTSConfiguration"),
        ({"provider": "aws", "sts": LDAP}, "InvalidSTSConfiguration"),
        ({"sts": AWS_STS}, "InvalidSTSConfiguration"),
        ({"provider": "aws", "sts": {**AWS_STS, "secretRef": {"name": "x"}}}, "InvalidSTSConfiguration"),
        ({"sts": {**LDAP, "endpoint": "https://"}}, "URLInvalid"),
        ({"sts": {**LDAP, "endpoint": "https://[::1"}}, "URLInvalid"),
    ],
)
async def test_what_only_a_change_of_the_spec_can_help(
    access: BucketAccess, spec: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Stalled) as caught:
        async with access.opened(bucket(**spec)):
            pass
    assert caught.value.reason == reason
