"""HashiCorp Vault and OpenBao: decrypt by the transit engine, log in by a Kubernetes token."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from controllers.kustomize.sops.cloud.call import plaintext, post
from controllers.kustomize.sops.errors import DataKeyUnavailable
from controllers.kustomize.sops.metadata import WrappedKey


async def decrypt(http: aiohttp.ClientSession, token: str, wrapped: WrappedKey) -> bytes:
    """Raises DataKeyUnavailable."""
    address, engine, name = (wrapped.field(f) for f in ("vault_address", "engine_path", "key_name"))
    what = f"the vault at {address[:200]!r}"
    if not token:
        raise DataKeyUnavailable(f"{what}: there is no 'sops.vault-token', and no login is set up for it")
    if not _is_address(address):
        raise DataKeyUnavailable(f"{what}: not an address")
    segments = [segment for segment in engine.split("/") if segment]
    if not segments or not name or ".." in (*segments, name):
        raise DataKeyUnavailable(f"{what}: not the path of a transit key")
    path = "/".join(quote(segment, safe="") for segment in (*segments, "decrypt", name))
    answer = await post(
        http,
        f"{address.rstrip('/')}/v1/{path}",
        what=what,
        body=orjson.dumps({"ciphertext": wrapped.encrypted}),
        headers={"Content-Type": "application/json", "X-Vault-Token": token},
    )
    data = answer.get("data")
    return plaintext(data.get("plaintext") if isinstance(data, dict) else None, what=what)


async def log_in(http: aiohttp.ClientSession, address: str, path: str, role: str, jwt: str) -> str:
    """A vault's token for that role. Raises DataKeyUnavailable."""
    what = f"the login at the vault {address[:200]!r}"
    segments = [quote(segment, safe="") for segment in path.split("/") if segment not in ("", ".", "..")]
    answer = await post(
        http,
        f"{address.rstrip('/')}/v1/{'/'.join(segments)}",
        what=what,
        body=orjson.dumps({"role": role, "jwt": jwt}),
        headers={"Content-Type": "application/json"},
    )
    auth = answer.get("auth")
    token = auth.get("client_token") if isinstance(auth, dict) else None
    if not isinstance(token, str) or not token:
        raise DataKeyUnavailable(f"{what} gave no token")
    return token


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.username or parts.query)
