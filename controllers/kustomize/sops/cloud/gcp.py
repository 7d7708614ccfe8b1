"""Google Cloud KMS: decrypt, with a token for a service account's key."""

from __future__ import annotations

import base64
import re
import time
from urllib.parse import urlencode

import aiohttp
import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from controllers.kustomize.sops.cloud.call import plaintext, post
from controllers.kustomize.sops.cloud.credentials import GcpAccount
from controllers.kustomize.sops.errors import DataKeyUnavailable, KeysInvalid
from controllers.kustomize.sops.metadata import WrappedKey

_RESOURCE = re.compile(r"projects/[\w.:-]+/locations/[\w-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+", re.ASCII)
_SCOPE = "https://www.googleapis.com/auth/cloudkms"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


async def decrypt(http: aiohttp.ClientSession, account: GcpAccount | None, wrapped: WrappedKey) -> bytes:
    """Raises DataKeyUnavailable, KeysInvalid."""
    resource = wrapped.field("resource_id")
    what = f"Google Cloud KMS for {resource[:200]!r}"
    if account is None:
        raise DataKeyUnavailable(
            f"{what}: there is no 'sops.gcp-kms' (workload identity needs the cloud extra)"
        )
    if _RESOURCE.fullmatch(resource) is None:
        raise DataKeyUnavailable(f"{what}: not the name of a key")
    form = urlencode({"grant_type": _GRANT, "assertion": assertion(account, int(time.time()))})
    token = await post(
        http,
        account.token_uri,
        what="Google's token service",
        body=form.encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    answer = await post(
        http,
        f"https://cloudkms.googleapis.com/v1/{resource}:decrypt",
        what=what,
        body=orjson.dumps({"ciphertext": wrapped.encrypted}),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token.get('access_token', '')}",
        },
    )
    return plaintext(answer.get("plaintext"), what=what)


def assertion(account: GcpAccount, now: int) -> str:
    """A signed claim of the account's identity, good for ten minutes. Raises KeysInvalid."""
    header = {"alg": "RS256", "typ": "JWT", "kid": account.key_id}
    claims = {
        "iss": account.email,
        "scope": _SCOPE,
        "aud": account.token_uri,
        "iat": now,
        "exp": now + 600,
    }
    signed = f"{_encoded(orjson.dumps(header))}.{_encoded(orjson.dumps(claims))}"
    try:
        key = load_pem_private_key(account.private_key.encode(), None)
    except (ValueError, TypeError) as error:
        raise KeysInvalid("private_key of 'sops.gcp-kms' is no private key") from error
    if not isinstance(key, RSAPrivateKey):
        raise KeysInvalid("private_key of 'sops.gcp-kms' is not an RSA key")
    return f"{signed}.{_encoded(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
