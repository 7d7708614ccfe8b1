import pytest

from shared.logic.redact import redact


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("clone https://user:hunter2@git.example.com/x failed", "hunter2"),
        ("ssh://git:pw@host/x", "pw"),
        ("header Authorization: Bearer abcdefgh12345", "abcdefgh12345"),
        ("Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("authorization: token ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_16C7"),
        ("GET https://s3/x?X-Amz-Signature=deadbeef&y=1", "deadbeef"),
        ("key -----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY----- end", "AAAA"),
        ("cut off -----BEGIN RSA PRIVATE KEY-----\nBBBB", "BBBB"),
    ],
)
def test_credentials_are_taken_out(text, secret):
    assert secret not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://git.example.com/org/repo",
        "the token service answered 503",
        "token answered nothing",
        "Basic authentication failed",
        "stored artifact for revision 'main@sha1:1'",
    ],
)
def test_other_text_stays(text):
    assert redact(text) == text
