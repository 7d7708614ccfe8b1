from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping

import pytest
from aiohttp import web

from shared.kube.secrets import Secrets
from shared.logic.secret import SecretUnusable
from shared.oci.docker_config import ANONYMOUS, Login, find_login
from shared.oci.opening import Proxy
from shared.oci.reference import Repository
from shared.runtime.registry_secrets import Named, RegistrySecrets
from tests.unit.shared.kube.fake_api import fake_api, status

APP = Repository("ghcr.io", "org/app")


def auths(user: str) -> dict[str, object]:
    return {"ghcr.io": {"username": user, "password": "x"}}


SECRETS: Mapping[str, Mapping[str, str]] = {
    "own": {".dockerconfigjson": json.dumps({"auths": auths("own")})},
    "pulled": {".dockerconfigjson": json.dumps({"auths": auths("pulled")})},
    "older": {".dockercfg": json.dumps(auths("older"))},
    "opaque": {"password": "hunter2"},
    "broken": {".dockerconfigjson": "hunter2"},
    "trust": {"ca.crt": "CA", "tls.crt": "CERT", "tls.key": "KEY"},
    "half": {"tls.crt": "CERT"},
    "proxy": {"address": "http://proxy:8080", "username": "ada", "password": "hunter2"},
    "socks": {"address": "socks5://ada:hunter2@proxy:1080"},
}
ACCOUNTS = {"builder": [{"name": "pulled"}, {}], "bare": None}


async def answer(request: web.Request) -> web.Response:
    kind, name = request.path.rsplit("/", 2)[1:]
    if kind == "secrets" and name in SECRETS:
        data = {key: base64.b64encode(text.encode()).decode() for key, text in SECRETS[name].items()}
        return web.json_response({"metadata": {"name": name}, "data": data})
    if kind == "serviceaccounts" and name in ACCOUNTS:
        return web.json_response({"metadata": {"name": name}, "imagePullSecrets": ACCOUNTS[name]})
    return status(404, "NotFound", f"{name} not found")


@pytest.fixture
async def secrets() -> AsyncIterator[RegistrySecrets]:
    async with fake_api(answer) as client:
        yield RegistrySecrets(client, Secrets(client))


@pytest.mark.parametrize(
    ("secret", "account", "user"),
    [
        ("", "", ""),
        ("own", "", "own"),
        ("older", "", "older"),
        ("", "builder", "pulled"),
        ("", "bare", ""),
        ("own", "builder", "own"),
    ],
)
async def test_logins(secrets: RegistrySecrets, secret: str, account: str, user: str) -> None:
    entries = await secrets.entries(Named("apps", secret=secret, service_account=account))
    assert find_login(entries, APP).username == user


@pytest.mark.parametrize(
    ("secret", "account", "words"),
    [
        ("gone", "", "secret 'apps/gone' not found"),
        ("", "gone", "service account 'apps/gone' not found"),
        ("opaque", "", "key '.dockerconfigjson' not found"),
        ("broken", "", "docker configuration is not a JSON object"),
    ],
)
async def test_logins_that_cannot_be_read(
    secrets: RegistrySecrets, secret: str, account: str, words: str
) -> None:
    with pytest.raises(SecretUnusable) as caught:
        await secrets.entries(Named("apps", secret=secret, service_account=account))
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_certificates_and_proxies(secrets: RegistrySecrets) -> None:
    named = Named("apps", cert_secret="trust", proxy_secret="proxy")
    opening = await secrets.opening(named, Login("own", "x"), insecure=False)
    assert (opening.ca, opening.certificate, opening.private_key) == ("CA", "CERT", "KEY")
    assert opening.proxy == Proxy("http://proxy:8080", "ada", "hunter2")
    assert "hunter2" not in repr(opening)


async def test_nothing_is_named(secrets: RegistrySecrets) -> None:
    opening = await secrets.opening(Named("apps"), ANONYMOUS, insecure=True)
    assert (opening.login, opening.ca, opening.proxy, opening.insecure) == (ANONYMOUS, "", None, True)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (Named("apps", cert_secret="opaque"), "neither 'ca.crt' nor 'tls.crt' and 'tls.key'"),
        (Named("apps", cert_secret="half"), "need each other"),
        (Named("apps", proxy_secret="opaque"), "key 'address' not found"),
        (Named("apps", proxy_secret="socks"), "proxy address must be a URL"),
    ],
)
async def test_what_cannot_open_a_registry(secrets: RegistrySecrets, named: Named, words: str) -> None:
    with pytest.raises(SecretUnusable) as caught:
        await secrets.opening(named, ANONYMOUS, insecure=False)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)
