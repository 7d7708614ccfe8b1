"""Google Cloud KMS: decrypt, with a token of the Secret's service account or of another identity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from controllers.kustomize.sops.cloud.call import plaintext, post
from controllers.kustomize.sops.cloud.identity import CloudIdentity
from controllers.kustomize.sops.errors import DataKeyUnavailable
from controllers.kustomize.sops.metadata import WrappedKey
from shared.cloud import gcp
from shared.cloud.errors import CloudError
from shared.cloud.registry import Cloud

_RESOURCE = re.compile(r"projects/[\w.:-]+/locations/[\w-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+", re.ASCII)
_SCOPES = ("https://www.googleapis.com/auth/cloudkms",)


async def decrypt(
    http: aiohttp.ClientSession,
    key_file: Mapping[str, Any] | None,
    identity: CloudIdentity,
    wrapped: WrappedKey,
) -> bytes:
    """`key_file` is the Secret's; without it the identity's token is used. Raises DataKeyUnavailable."""
    resource = wrapped.field("resource_id")
    what = f"Google Cloud KMS for {resource[:200]!r}"
    if _RESOURCE.fullmatch(resource) is None:
        raise DataKeyUnavailable(f"{what}: not the name of a key")
    try:
        if key_file is not None:
            token = (await gcp.token_of(key_file, _SCOPES)).text
        else:
            token = await identity.bearer(Cloud.GCP)
    except CloudError as error:
        raise DataKeyUnavailable(f"{what}: {error}") from error
    answer = await post(
        http,
        f"https://cloudkms.googleapis.com/v1/{resource}:decrypt",
        what=what,
        body=orjson.dumps({"ciphertext": wrapped.encrypted}),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    return plaintext(answer.get("plaintext"), what=what)
