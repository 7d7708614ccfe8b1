"""AWS Signature Version 4 for S3 requests without a body: pure.

Every S3-compatible store checks it. Keys are signed as they are sent: each byte escaped once, slashes kept.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

EMPTY_SHA256 = hashlib.sha256().hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True)
class Keys:
    """`token` goes with keys that do not last."""

    access: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for: `path` and `query` as they are before escaping."""

    method: str
    host: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)


def escaped_path(path: str) -> str:
    return quote(path, safe=f"/{_UNRESERVED}")


def escaped_query(query: Mapping[str, str]) -> str:
    """In the order that the signature wants."""
    pairs = ((quote(k, safe=_UNRESERVED), quote(v, safe=_UNRESERVED)) for k, v in query.items())
    return "&".join(f"{key}={value}" for key, value in sorted(pairs))


def signed_headers(target: Target, keys: Keys, region: str, now: datetime) -> dict[str, str]:
    """The headers to send, Host apart."""
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": moment}
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    signed = {"host": target.host, **headers}
    names = ";".join(sorted(signed))
    canonical = "\n".join(
        (
            target.method,
            escaped_path(target.path),
            escaped_query(target.query),
            *(f"{name}:{signed[name].strip()}" for name in sorted(signed)),
            "",
            names,
            EMPTY_SHA256,
        )
    )
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    to_sign = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(_signing_key(keys.secret, scope), to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={keys.access}/{scope}"
    headers["Authorization"] = f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    return headers


def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
