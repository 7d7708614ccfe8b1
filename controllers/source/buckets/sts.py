"""Short-lived S3 keys for an LDAP account, as MinIO's token service gives them (spec source 12.3)."""

import re
from urllib.parse import urlencode

from controllers.source.buckets.errors import AccessRefused
from controllers.source.buckets.signing import Keys
from controllers.source.buckets.wire import Refused, Request, Wire

_MAX_ANSWER = 64 * 1024
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def ldap_keys(wire: Wire, endpoint: str, username: str, password: str) -> Keys:
    """Raises BucketError; AccessRefused for an account that the service does not accept."""
    form = {
        "Action": "AssumeRoleWithLDAPIdentity",
        "Version": "2011-06-15",
        "LDAPUsername": username,
        "LDAPPassword": password,
    }
    request = Request("POST", endpoint, _FORM, urlencode(form).encode())
    try:
        body = await wire.read(request, _MAX_ANSWER, "the answer of the token service")
    except Refused as refused:
        raise refused.refusal.error() from refused
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    access, secret, token = (_value(body.decode(errors="replace"), name) for name in names)
    if not access or not secret:
        raise AccessRefused(f"{request.host}: the token service gave no keys")
    return Keys(access, secret, token)


def _value(body: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<\s]{{1,8192}})</{name}>", body)
    return found[1] if found else ""
