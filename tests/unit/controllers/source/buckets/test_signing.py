"""Our signatures are those of Amazon's own SDK."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from controllers.source.buckets.signing import Keys, Target, escaped_path, escaped_query, signed_headers

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def of_the_sdk(target: Target, keys: Keys, region: str) -> str:
    url = f"https://{target.host}{escaped_path(target.path)}"
    url += f"?{escaped_query(target.query)}" if target.query else ""
    request = AWSRequest("GET", url, headers={"Host": target.host})
    request.context["payload_signing_enabled"] = True
    signer = S3SigV4Auth(Credentials(keys.access, keys.secret, keys.token or None), "s3", region)
    # The SDK takes the time from the clock; nothing of ours is replaced.
    with patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        signer.add_auth(request)
    return str(request.headers["Authorization"])


@pytest.mark.parametrize(
    ("path", "query", "token"),
    [
        pytest.param("/bucket/", {}, "", id="a bucket"),
        pytest.param("/bucket/a.yaml", {}, "", id="a key"),
        pytest.param("/bucket/d é/ü+%~$&'()*!", {}, "", id="odd characters"),
        pytest.param("/bucket//a//b", {}, "", id="empty parts"),
        pytest.param(
            "/bucket/", {"prefix": "a b/&=", "list-type": "2", "max-keys": "1000"}, "", id="a query"
        ),
        pytest.param("/bucket/a", {}, "session-token", id="keys that do not last"),
    ],
)
def test_as_the_sdk_signs(path: str, query: dict[str, str], token: str) -> None:
    keys = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    target = Target("GET", "s3.eu-west-1.amazonaws.com", path, query)
    ours = signed_headers(target, keys, "eu-west-1", NOW)
    assert ours["Authorization"] == of_the_sdk(target, keys, "eu-west-1")
    assert ours.get("x-amz-security-token", "") == token


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(Keys("access", "secret", "secret-token"))
