"""Tokens of GitHub App installations (spec source 8.3). Runs in the worker."""

import base64
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
import urllib3
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from shared.git.errors import AuthenticationFailed, InvalidCredentials, RemoteUnreachable
from shared.git.http_transport import pool_for
from shared.git.remote import Remote, shown

DEFAULT_API = "https://api.github.com"
_SECONDS = 10.0
_MAX_ANSWER = 1024 * 1024


def installation_token(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `remote` (for trust and proxy; its URL is the API's base), `app_id`, `private_key`, and
    `installation_id` or `owner` -> `token`, `expires_at` (RFC 3339). Raises AuthenticationFailed.
    """
    remote = Remote.parse(argument["remote"])
    bearer = app_jwt(argument["app_id"], argument["private_key"], now=time.time())
    with pool_for(remote) as pool:
        api = _Api(pool, remote.url.rstrip("/"), bearer)
        installation = argument["installation_id"] or api.installation_of(argument["owner"])
        answer = api.call("POST", f"/app/installations/{quote(str(installation), safe='')}/access_tokens")
    if answer is None or not isinstance(answer.get("token"), str):
        raise AuthenticationFailed(f"GitHub App {argument['app_id']} has no installation {installation}")
    return {"token": answer["token"], "expires_at": str(answer.get("expires_at", ""))}


def app_jwt(app_id: str, private_key: str, *, now: float) -> str:
    """What an app identifies itself with: RS256, valid from half a minute ago for two minutes."""
    try:
        key = serialization.load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidCredentials("githubAppPrivateKey is not a PEM-encoded RSA key") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise InvalidCredentials("githubAppPrivateKey is not an RSA key")
    claims = {"iss": app_id, "iat": int(now) - 30, "exp": int(now) + 120}
    body = b".".join(_base64url(orjson.dumps(part)) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    return (body + b"." + _base64url(key.sign(body, padding.PKCS1v15(), hashes.SHA256()))).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class _Api:
    def __init__(self, pool: urllib3.PoolManager, base: str, bearer: str) -> None:
        self._pool = pool
        self._base = base
        self._headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/vnd.github+json"}

    def installation_of(self, owner: str) -> str:
        """An organisation's installation or, failing that, a user's."""
        for kind in ("orgs", "users"):
            found = self.call("GET", f"/{kind}/{quote(owner, safe='')}/installation")
            if found is not None and "id" in found:
                return str(found["id"])
        raise AuthenticationFailed(f"the GitHub App is not installed for '{owner}'")

    def call(self, method: str, path: str) -> dict[str, Any] | None:
        """The answer as JSON; None for 404."""
        try:
            response = self._pool.request(
                method,
                self._base + path,
                headers=self._headers,
                redirect=False,
                retries=False,
                timeout=_SECONDS,
                preload_content=False,
            )
            body = response.read(_MAX_ANSWER)
            response.close()
        except urllib3.exceptions.HTTPError as error:
            raise RemoteUnreachable(f"GitHub API at {shown(self._base)}: {type(error).__name__}") from error
        if response.status == 404:
            return None
        if response.status not in (200, 201):
            raise AuthenticationFailed(f"GitHub API at {shown(self._base)} answered {response.status}")
        try:
            answer = orjson.loads(body)
        except ValueError as error:
            raise RemoteUnreachable(
                f"GitHub API at {shown(self._base)} answered something that is no JSON"
            ) from error
        return answer if isinstance(answer, dict) else None
