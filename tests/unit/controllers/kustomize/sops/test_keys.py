"""The keys of a Kustomization, read from a real API; and logins at vaults that are listed, at no other."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from controllers.kustomize.sops.cloud import vault
from controllers.kustomize.sops.errors import DataKeyUnavailable, KeysInvalid
from controllers.kustomize.sops.keys import Decryption
from controllers.kustomize.sops.metadata import KeyKind, WrappedKey
from controllers.kustomize.sops.vault_auth import VaultAuth
from controllers.kustomize.sops.vault_login import VaultLogins
from shared.kube.client import KubeClient
from shared.logic.go_yaml import read_document
from shared.model.kinds import CONFIG_MAP, SECRET, SERVICE_ACCOUNT
from shared.model.kustomize import Kustomization
from shared.model.meta import ObjectKey
from tests import make
from tests.fakes.sops_writer import Sealer

GOLDEN = Path(__file__).parents[4] / "golden" / "sops"
ENCRYPTED: dict[str, Any] = read_document((GOLDEN / "encrypted" / "secret.yaml").read_bytes())
SOPS = {"provider": "sops"}


def ks(namespace: str, **spec: Any) -> Kustomization:
    return Kustomization.parse(make.kustomization(namespace=namespace, **spec))


async def keys(client: KubeClient, namespace: str, name: str, *files: str) -> ObjectKey:
    data = {file: base64.b64encode((GOLDEN / "keys" / file).read_bytes()).decode() for file in files}
    metadata = {"name": name, "namespace": namespace}
    await client.create(SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    return ObjectKey(namespace, name)


@pytest.fixture
async def decryption(management: KubeClient) -> AsyncIterator[Decryption]:
    found = Decryption(management)
    yield found
    await found.close()


async def test_the_secret_of_the_spec_opens_what_is_built(
    decryption: Decryption, management: KubeClient, namespace: str
) -> None:
    await keys(management, namespace, "sops", "age.agekey")
    decryptor = await decryption.decryptor(ks(namespace, decryption={**SOPS, "secretRef": {"name": "sops"}}))
    assert decryptor is not None
    plain = await decryptor.resource(ENCRYPTED)
    assert plain["stringData"]["password"] == "s3cr3t"
    assert await decryption.decryptor(ks(namespace)) is None


async def test_the_controllers_own_secret_is_for_those_that_name_none(
    management: KubeClient, namespace: str
) -> None:
    shared = Decryption(management, age_secret=await keys(management, namespace, "all", "age.agekey"))
    await keys(management, namespace, "mine", "other.agekey")
    try:
        decryptor = await shared.decryptor(ks("elsewhere", decryption=SOPS))
        assert decryptor is not None
        assert (await decryptor.resource(ENCRYPTED))["stringData"]["password"] == "s3cr3t"
        decryptor = await shared.decryptor(ks(namespace, decryption={**SOPS, "secretRef": {"name": "mine"}}))
        assert decryptor is not None
        with pytest.raises(DataKeyUnavailable, match=r"cannot decrypt Secret/app: cannot get the data key"):
            await decryptor.resource(ENCRYPTED)
    finally:
        await shared.close()


async def test_a_secret_that_is_missing_or_broken_is_named(
    decryption: Decryption, management: KubeClient, namespace: str
) -> None:
    wanted = ks(namespace, decryption={**SOPS, "secretRef": {"name": "sops"}})
    with pytest.raises(KeysInvalid, match=rf"cannot get decryption Secret '{namespace}/sops': "):
        await decryption.decryptor(wanted)
    metadata = {"name": "sops", "namespace": namespace}
    data = {"a.agekey": base64.b64encode(b"nonsense").decode()}
    await management.create(
        SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
    )
    with pytest.raises(KeysInvalid, match=rf"decryption Secret '{namespace}/sops': line 1 of 'a\.agekey'"):
        await decryption.decryptor(wanted)


class Vault:
    """Takes any token for the right role, and opens with what it gave for it."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.logins = 0

    async def log_in(self, request: web.Request) -> web.Response:
        self.logins += 1
        body = await request.json()
        if body["role"] != self.role or body["jwt"].count(".") != 2:
            return web.json_response({"errors": ["no such role"]}, status=400)
        return web.json_response({"auth": {"client_token": "hvs.issued"}})

    async def decrypt(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Vault-Token") != "hvs.issued":
            return web.json_response({}, status=403)
        return web.json_response({"data": {"plaintext": base64.b64encode(bytes(32)).decode()}})


@pytest.fixture
async def served(namespace: str) -> AsyncIterator[tuple[Vault, str]]:
    server = Vault(f"{namespace}_tenant")
    app = web.Application()
    app.router.add_post("/v1/auth/kubernetes/login", server.log_in)
    app.router.add_post("/v1/transit/decrypt/key", server.decrypt)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield server, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def listed(client: KubeClient, namespace: str, text: str) -> VaultAuth:
    metadata = {"name": "vaults", "namespace": namespace}
    await client.create(
        CONFIG_MAP,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"config.yaml": text}},
    )
    account = {"name": "tenant", "namespace": namespace}
    await client.create(SERVICE_ACCOUNT, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    return VaultAuth(ObjectKey(namespace, "vaults"))


def wrapped(address: str) -> WrappedKey:
    where = {"vault_address": address, "engine_path": "transit", "key_name": "key"}
    return WrappedKey(KeyKind.VAULT, "vault:v1:abc", where)


async def test_a_listed_vault_is_logged_in_to_once(
    management: KubeClient, namespace: str, served: tuple[Vault, str]
) -> None:
    server, address = served
    text = f"instances: [{{address: '{address}/', loginPath: auth/kubernetes/login}}]"
    auth = await listed(management, namespace, text)
    logins = VaultLogins(management, auth, ObjectKey(namespace, "tenant"))
    async with aiohttp.ClientSession() as http:
        for _ in range(2):
            token = await logins.token(http, address)
            assert await vault.decrypt(http, token, wrapped(address)) == bytes(32)
        assert server.logins == 1
        assert await logins.token(http, "http://127.0.0.1:9") == ""


async def test_a_kustomization_without_a_token_logs_in(
    management: KubeClient, namespace: str, served: tuple[Vault, str]
) -> None:
    server, address = served
    text = f"instances: [{{address: '{address}', loginPath: auth/kubernetes/login}}]"
    auth = await listed(management, namespace, text)
    sealer = Sealer()
    sealer.key = bytes(32)
    where = dict(wrapped(address).where)
    block = {**sealer.metadata(), "age": [], "hc_vault": [{**where, "enc": "vault:v1:abc"}]}
    document = {"kind": sealer.seal("Config", "kind"), "password": sealer.seal("s3cr3t", "password")}
    found = Decryption(management, vaults=auth)
    try:
        decryptor = await found.decryptor(ks(namespace, decryption={**SOPS, "serviceAccountName": "tenant"}))
        assert decryptor is not None
        opened = await decryptor.resource(document | {"sops": block})
    finally:
        await found.close()
    assert opened == {"kind": "Config", "password": "s3cr3t"}
    assert server.logins == 1


async def test_a_vault_that_is_not_listed_gets_no_token(
    management: KubeClient, namespace: str, served: tuple[Vault, str]
) -> None:
    server, address = served
    auth = await listed(management, namespace, "instances: [{address: 'http://other', loginPath: a}]")
    logins = VaultLogins(management, auth, ObjectKey(namespace, "tenant"))
    async with aiohttp.ClientSession() as http:
        token = await logins.token(http, address)
        with pytest.raises(DataKeyUnavailable, match="no login is set up"):
            await vault.decrypt(http, token, wrapped(address))
    assert server.logins == 0


async def test_an_account_without_a_role_is_told(
    management: KubeClient, namespace: str, served: tuple[Vault, str]
) -> None:
    server, address = served
    server.role = "another"
    text = f"instances: [{{address: '{address}', loginPath: auth/kubernetes/login}}]"
    auth = await listed(management, namespace, text)
    async with aiohttp.ClientSession() as http:
        for account, told in ((ObjectKey(namespace, "tenant"), "HTTP 400"), (None, "no ServiceAccount")):
            with pytest.raises(DataKeyUnavailable, match=told):
                await VaultLogins(management, auth, account).token(http, address)
        missing = VaultLogins(management, auth, ObjectKey(namespace, "gone"))
        with pytest.raises(DataKeyUnavailable, match="no token for ServiceAccount"):
            await missing.token(http, address)


@pytest.mark.parametrize("text", ["{", "instances: [5]", "instances: [{address: x}]"])
async def test_a_broken_list_of_vaults_is_told(management: KubeClient, namespace: str, text: str) -> None:
    auth = await listed(management, namespace, text)
    async with aiohttp.ClientSession() as http:
        with pytest.raises(KeysInvalid, match=r"config\.yaml of ConfigMap"):
            await VaultLogins(management, auth, None).token(http, "http://x")
