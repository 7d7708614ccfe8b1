"""Key services: what is signed and sent, and to whom nothing is sent."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from controllers.kustomize.sops.cloud import aws, azure, gcp, vault
from controllers.kustomize.sops.cloud.credentials import aws_keys, azure_application, google_key_file
from controllers.kustomize.sops.cloud.identity import Nobody
from controllers.kustomize.sops.errors import DataKeyUnavailable, KeysInvalid
from controllers.kustomize.sops.metadata import KeyKind, WrappedKey
from shared.cloud.aws import AwsCredentials
from shared.cloud.azure import Application

DATA_KEY = bytes(range(32))
LOGIN = Application("client", "tenant", "client-secret")
KEYS = AwsCredentials("a", "b", "", datetime(2099, 1, 1, tzinfo=UTC))
CRYPTO_KEY = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
VAULT_KEY = {"vault_url": "https://x.vault.azure.net", "name": "k", "version": "1"}
ARN = "arn:aws:kms:eu-west-1:123456789012:key/abc"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Vault:
    """A transit engine that knows one token, key and ciphertext; `mode` makes it misbehave."""

    def __init__(self) -> None:
        self.mode = ""
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        body = await request.json()
        match self.mode:
            case "redirect":
                return web.Response(status=307, headers={"Location": "http://127.0.0.1:9/"})
            case "text":
                return web.Response(text="<html>")
            case "huge":
                return web.Response(body=b'{"data": "' + b"x" * 100_000 + b'"}')
            case "odd":
                return web.json_response({"data": {"plaintext": "not base64!"}})
        if request.headers.get("X-Vault-Token") != "hvs.token" or body != {"ciphertext": "vault:v1:abc"}:
            return web.json_response({"errors": ["permission denied for hvs.token"]}, status=403)
        return web.json_response({"data": {"plaintext": base64.b64encode(DATA_KEY).decode()}})


@pytest.fixture
async def transit() -> AsyncIterator[tuple[Vault, str]]:
    server = Vault()
    app = web.Application()
    app.router.add_post("/v1/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield server, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def wrapped_by_vault(address: str, engine: str = "team/transit", name: str = "sops") -> WrappedKey:
    where = {"vault_address": address, "engine_path": engine, "key_name": name}
    return WrappedKey(KeyKind.VAULT, "vault:v1:abc", where)


async def test_vault_opens_a_data_key(http: aiohttp.ClientSession, transit: tuple[Vault, str]) -> None:
    server, address = transit
    assert await vault.decrypt(http, "hvs.token", wrapped_by_vault(address)) == DATA_KEY
    assert server.asked == ["/v1/team/transit/decrypt/sops"]


@pytest.mark.parametrize(
    ("mode", "token", "told"),
    [
        ("", "hvs.wrong", "HTTP 403"),
        ("redirect", "hvs.token", "HTTP 307"),
        ("text", "hvs.token", "no usable answer"),
        ("huge", "hvs.token", "no usable answer"),
        ("odd", "hvs.token", "no usable plaintext"),
        ("", "", "there is no 'sops.vault-token'"),
    ],
)
async def test_a_vault_that_does_not_help_is_told(
    http: aiohttp.ClientSession, transit: tuple[Vault, str], mode: str, token: str, told: str
) -> None:
    server, address = transit
    server.mode = mode
    with pytest.raises(DataKeyUnavailable, match=told) as caught:
        await vault.decrypt(http, token, wrapped_by_vault(address))
    assert "hvs." not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "engine", "name"),
    [
        ("file:///etc/passwd", "transit", "k"),
        ("http://user@vault", "transit", "k"),
        ("http://vault/?x=", "transit", "k"),
        ("http://", "transit", "k"),
        ("http://[", "transit", "k"),
        ("http://127.0.0.1:9", "..", "k"),
        ("http://127.0.0.1:9", "a/../../sys", "k"),
        ("http://127.0.0.1:9", "transit", ""),
    ],
)
async def test_an_odd_vault_address_is_not_asked(
    http: aiohttp.ClientSession, address: str, engine: str, name: str
) -> None:
    with pytest.raises(DataKeyUnavailable, match="not "):
        await vault.decrypt(http, "hvs.token", wrapped_by_vault(address, engine, name))


async def test_an_unreachable_vault_is_told(http: aiohttp.ClientSession) -> None:
    with pytest.raises(DataKeyUnavailable, match="cannot be reached"):
        await vault.decrypt(http, "hvs.token", wrapped_by_vault("http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"arn": "arn:aws:kms:evil.example/x:1:key/a"}, "not the ARN"),
        ({"arn": "arn:aws:kms:eu-west-1@evil:1:key/a"}, "not the ARN"),
        ({"arn": ARN, "role": "arn:aws:s3:::x"}, "not the ARN of a role"),
        ({}, "not the ARN"),
    ],
)
async def test_no_credentials_go_to_a_host_made_from_an_odd_arn(where: dict[str, Any], told: str) -> None:
    with pytest.raises(DataKeyUnavailable, match=told):
        await aws.decrypt(KEYS, Nobody(), WrappedKey(KeyKind.AWS_KMS, "AQID", where))


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/.vault.azure.net",
        "https://x.vault.azure.net.evil.example",
        "https://x.vault.azure.net@evil.example",
        "http://x.vault.azure.net",
        "https://vault.azure.net",
        "",
    ],
)
async def test_no_azure_token_goes_to_another_host(http: aiohttp.ClientSession, url: str) -> None:
    wrapped = WrappedKey(KeyKind.AZURE_KEY_VAULT, "AQID", {"vault_url": url, "name": "k", "version": "1"})
    with pytest.raises(DataKeyUnavailable, match="not the address of a key in Azure"):
        await azure.decrypt(http, LOGIN, Nobody(), wrapped)


@pytest.mark.parametrize(
    "name", ["projects/p/../x", "projects/p/locations/l/keyRings/r", "/", "projects/p?x"]
)
async def test_google_is_asked_only_for_keys(http: aiohttp.ClientSession, name: str) -> None:
    wrapped = WrappedKey(KeyKind.GCP_KMS, "AQID", {"resource_id": name})
    with pytest.raises(DataKeyUnavailable, match="not the name of a key"):
        await gcp.decrypt(http, {}, Nobody(), wrapped)


async def test_without_credentials_the_missing_entry_is_named(http: aiohttp.ClientSession) -> None:
    keys = {
        "aws-kms": aws.decrypt(None, Nobody(), WrappedKey(KeyKind.AWS_KMS, "AQID", {"arn": ARN})),
        "gcp-kms": gcp.decrypt(
            http, None, Nobody(), WrappedKey(KeyKind.GCP_KMS, "x", {"resource_id": CRYPTO_KEY})
        ),
        "azure-kv": azure.decrypt(http, None, Nobody(), WrappedKey(KeyKind.AZURE_KEY_VAULT, "x", VAULT_KEY)),
    }
    for entry, call in keys.items():
        with pytest.raises(DataKeyUnavailable, match=rf"there is no 'sops\.{entry}'"):
            await call


@pytest.mark.parametrize(
    ("parse", "content"),
    [
        (aws_keys, b"aws_access_key_id: a"),
        (aws_keys, b"[s3cr3t]"),
        (aws_keys, b"{s3cr3t"),
        (azure_application, b"tenantId: a"),
        (azure_application, b"{clientId: c, clientSecret: s3cr3t}"),
        (azure_application, b"{tenantId: t, clientId: c}"),
        (azure_application, b"{tenantId: t, clientId: c, clientSecret: s3cr3t, authorityHost: 'http://x'}"),
        (google_key_file, b'{"type": "authorized_user"}'),
        (google_key_file, b'{"type": "service_account", "client_email": "a", "private_key": ""}'),
        (
            google_key_file,
            b'{"type": "service_account", "client_email": "a", "private_key": "k", "token_uri": "http://x"}',
        ),
    ],
)
def test_credentials_that_lack_something_are_refused(parse: Any, content: bytes) -> None:
    with pytest.raises(KeysInvalid, match=r"sops\.") as caught:
        parse(content)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b'{"tenantId": "tenant", "clientId": "client", "clientSecret": "client-secret"}',
        b"tenant: tenant\nappId: client\npassword: client-secret\n",
        '{"tenantId": "tenant", "clientId": "client", "clientSecret": "client-secret"}'.encode("utf-16"),
    ],
)
def test_azures_spellings_are_known(content: bytes) -> None:
    assert azure_application(content) == LOGIN
    assert "client-secret" not in repr(LOGIN)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"clientId: me", Application("me")),
        (
            b"{tenantId: t, clientId: c, clientCertificate: PEM, clientCertificateSendChain: true}",
            Application("c", "t", certificate=b"PEM", send_chain=True),
        ),
    ],
    ids=["managed identity", "certificate"],
)
def test_azures_other_identities(content: bytes, expected: Application) -> None:
    assert azure_application(content) == expected
