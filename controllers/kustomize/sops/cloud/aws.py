"""AWS KMS: Decrypt, signed with Signature Version 4."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime

import aiohttp
import orjson

from controllers.kustomize.sops.cloud.call import plaintext, post
from controllers.kustomize.sops.cloud.credentials import AwsKeys
from controllers.kustomize.sops.errors import DataKeyUnavailable
from controllers.kustomize.sops.metadata import WrappedKey

# The region becomes part of a host name, so it is held to what regions look like.
_ARN = re.compile(r"arn:aws([\w-]{0,20}):kms:([a-z0-9-]{1,40}):[0-9]+:(?:key|alias)/.+", re.ASCII)
_TARGET = "TrentService.Decrypt"
_MEDIA_TYPE = "application/x-amz-json-1.1"


async def decrypt(http: aiohttp.ClientSession, keys: AwsKeys | None, wrapped: WrappedKey) -> bytes:
    """Raises DataKeyUnavailable."""
    arn = wrapped.field("arn")
    what = f"AWS KMS for {arn[:200]!r}"
    if keys is None:
        raise DataKeyUnavailable(
            f"{what}: there is no 'sops.aws-kms' (workload identity needs the cloud extra)"
        )
    match = _ARN.fullmatch(arn)
    if match is None:
        raise DataKeyUnavailable(f"{what}: not the ARN of a key")
    if wrapped.field("role"):
        raise DataKeyUnavailable(f"{what}: a role to assume is not supported with static credentials")
    region = match.group(2)
    host = f"kms.{region}.amazonaws.com" + (".cn" if match.group(1) == "-cn" else "")
    request: dict[str, object] = {"CiphertextBlob": wrapped.encrypted, "KeyId": arn}
    context = wrapped.where.get("context")
    if isinstance(context, dict) and context:
        request["EncryptionContext"] = context
    body = orjson.dumps(request)
    headers = sign(keys, host, region, body, datetime.now(UTC))
    answer = await post(http, f"https://{host}/", what=what, body=body, headers=headers)
    return plaintext(answer.get("Plaintext"), what=what)


def sign(keys: AwsKeys, host: str, region: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of the request, with its signature over all of them."""
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/kms/aws4_request"
    headers = {
        "Content-Type": _MEDIA_TYPE,
        "Host": host,
        "X-Amz-Date": moment,
        "X-Amz-Target": _TARGET,
    }
    if keys.session_token:
        headers["X-Amz-Security-Token"] = keys.session_token
    lowered = sorted((name.lower(), value) for name, value in headers.items())
    names = ";".join(name for name, _ in lowered)
    lines = "".join(f"{name}:{value}\n" for name, value in lowered)
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.access_key_id}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return headers
