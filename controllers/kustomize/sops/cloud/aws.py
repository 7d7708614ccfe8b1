"""AWS KMS: Decrypt, by AWS's library, with static keys or those of an identity."""

from __future__ import annotations

import base64
import binascii
import re

from controllers.kustomize.sops.cloud.identity import CloudIdentity
from controllers.kustomize.sops.errors import DataKeyUnavailable
from controllers.kustomize.sops.metadata import WrappedKey
from shared.cloud import aws
from shared.cloud.aws import AwsCredentials
from shared.cloud.errors import CloudError

# The region becomes part of a host name, so it is held to what regions look like.
_ARN = re.compile(r"arn:aws[\w-]{0,20}:kms:([a-z0-9-]{1,40}):[0-9]+:(?:key|alias)/.+", re.ASCII)
_SESSION = "sops.fluxcd.io"


async def decrypt(keys: AwsCredentials | None, identity: CloudIdentity, wrapped: WrappedKey) -> bytes:
    """`keys` are the Secret's; without them the identity's are used. Raises DataKeyUnavailable."""
    arn = wrapped.field("arn")
    what = f"AWS KMS for {arn[:200]!r}"
    match = _ARN.fullmatch(arn)
    if match is None:
        raise DataKeyUnavailable(f"{what}: not the ARN of a key")
    try:
        ciphertext = base64.b64decode(wrapped.encrypted, validate=True)
    except binascii.Error as error:
        raise DataKeyUnavailable(f"{what}: the encrypted data key is not base64") from error
    region, role = match[1], wrapped.field("role")
    try:
        used = keys or await identity.aws_keys(region)
        if role:
            used = await aws.assume(used, role, region, session=_SESSION)
        return await aws.decrypt(used, region, arn, ciphertext, _context(wrapped))
    except CloudError as error:
        raise DataKeyUnavailable(f"{what}: {error}") from error


def _context(wrapped: WrappedKey) -> dict[str, str]:
    context = wrapped.where.get("context")
    return {str(key): str(value) for key, value in context.items()} if isinstance(context, dict) else {}
