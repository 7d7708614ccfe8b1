"""The git login of AWS CodeCommit: a signature for a password (specs/source.md 8.3)."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from urllib.parse import urlsplit

from shared.cloud.aws import AwsCredentials
from shared.cloud.errors import IdentityInvalid

_HOST = re.compile(r"git-codecommit(?:-fips)?\.(?P<region>[a-z0-9-]{1,40})\.amazonaws\.com(?:\.cn)?")


def region_of(url: str) -> str:
    """The region of a repository's address. Raises IdentityInvalid for what is not CodeCommit over HTTPS."""
    parts = urlsplit(url)
    match = _HOST.fullmatch(parts.hostname or "")
    if parts.scheme != "https" or match is None:
        raise IdentityInvalid("provider 'aws' needs an https:// address of a CodeCommit repository")
    return match["region"]


def login(keys: AwsCredentials, url: str, now: datetime) -> tuple[str, str]:
    """User name and password; good for 15 minutes. Raises IdentityInvalid."""
    region, parts = region_of(url), urlsplit(url)
    moment = now.strftime("%Y%m%dT%H%M%S")
    scope = f"{moment[:8]}/{region}/codecommit/aws4_request"
    canonical = f"GIT\n{parts.path}\n\nhost:{parts.hostname}\n\nhost\n"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    username = f"{keys.access_key_id}%{keys.session_token}" if keys.session_token else keys.access_key_id
    return username, f"{moment}Z{signature}"
