import base64
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from shared.git.client import Git, GitHubApp
from shared.git.errors import AuthenticationFailed, InvalidCredentials, RemoteUnreachable
from shared.git.remote import Remote

SOON = timedelta(seconds=30)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


@dataclass
class GitHub:
    """The three calls of the API that matter, for a user's installation 42."""

    url: str = ""
    claims: list[dict[str, object]] = field(default_factory=list)
    status: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        if self.status:
            return web.Response(status=self.status, text="<html>")
        self.claims.append(self._verified(request.headers["Authorization"]))
        match request.method, request.path:
            case "GET", "/api/v3/users/ada/installation":
                return web.json_response({"id": 42})
            case "POST", "/api/v3/app/installations/42/access_tokens":
                return web.json_response({"token": "t0ken", "expires_at": "2030-01-01T00:00:00Z"}, status=201)
        return web.json_response({"message": "Not Found"}, status=404)

    @staticmethod
    def _verified(authorization: str) -> dict[str, object]:
        head, body, signature = authorization.removeprefix("Bearer ").split(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        KEY.public_key().verify(raw, f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=="))
        return claims


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    fake = GitHub()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v3/"
    yield fake
    await runner.cleanup()


@pytest.mark.parametrize("where", [{"owner": "ada"}, {"installation_id": "42"}], ids=["by owner", "by id"])
async def test_a_token(git: Git, github: GitHub, where: dict[str, str]) -> None:
    app = GitHubApp("7", pem(KEY), **where)

    assert await git.installation_token(Remote(github.url), app, within=SOON) == (
        "t0ken",
        "2030-01-01T00:00:00Z",
    )
    claims = github.claims[-1]
    assert claims["iss"] == "7"
    assert claims["exp"] - claims["iat"] == 150
    assert -35 < claims["iat"] - time.time() < -25


async def test_failures(git: Git, github: GitHub) -> None:
    api = Remote(github.url)
    for app, words in (
        (GitHubApp("7", pem(KEY), owner="bob"), "not installed for 'bob'"),
        (GitHubApp("7", pem(KEY), installation_id="1"), "no installation 1"),
        (GitHubApp("7", pem(KEY), installation_id="../../x"), "no installation"),
    ):
        with pytest.raises(AuthenticationFailed, match=words):
            await git.installation_token(api, app, within=SOON)
    for key in ("nonsense", pem(ec.generate_private_key(ec.SECP256R1()))):
        with pytest.raises(InvalidCredentials, match="RSA"):
            await git.installation_token(api, GitHubApp("7", key, owner="ada"), within=SOON)
    github.status = 401
    with pytest.raises(AuthenticationFailed, match="401"):
        await git.installation_token(api, GitHubApp("7", pem(KEY), owner="ada"), within=SOON)
    github.status = 200
    with pytest.raises(RemoteUnreachable, match="JSON"):
        await git.installation_token(api, GitHubApp("7", pem(KEY), owner="ada"), within=SOON)
