from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.oci.errors import InvalidReference
from shared.oci.reference import Repository, is_digest, require_digest, require_tag


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("oci://ghcr.io/org/app", "ghcr.io", "org/app"),
        ("oci://GHCR.io/org/app", "ghcr.io", "org/app"),
        ("oci://localhost/app", "localhost", "app"),
        ("oci://127.0.0.1:5000/a/b/c__d", "127.0.0.1:5000", "a/b/c__d"),
        ("oci://[::1]:5000/app", "[::1]:5000", "app"),
        ("oci://docker.io/nginx", "index.docker.io", "library/nginx"),
        ("oci://docker.io/org/app", "index.docker.io", "org/app"),
        ("oci://org/app", "index.docker.io", "org/app"),
    ],
)
def test_what_a_url_names(url: str, host: str, path: str) -> None:
    assert Repository.parse(url) == Repository(host, path)


@pytest.mark.parametrize(
    "url",
    [
        "https://ghcr.io/org/app",
        "oci://",
        "oci://ghcr.io",
        "oci://ghcr.io/",
        "oci://ghcr.io/org/app:v1",
        "oci://ghcr.io/org/app@sha256:" + "0" * 64,
        "oci://ghcr.io/Org/app",
        "oci://ghcr.io/org/../app",
        "oci://ghcr.io/org//app",
        "oci://ghcr.io/org/app?x=1",
        "oci://ghcr.io/org/app#x",
        "oci://user:secret@ghcr.io/org/app",
        "oci://ghcr.io:99999/app",
        "oci://ghcr.io:0/app",
        "oci://-x.io/app",
        "oci://gh cr.io/app",
        "oci://ghcr.io/a\nb",
        "oci://ghcr.io/" + "a" * 256,
    ],
)
def test_what_is_refused(url: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        Repository.parse(url)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        found = Repository.parse(f"oci://{text}")
    except InvalidReference:
        return
    assert Repository.parse(f"oci://{found}") == found


def test_tags_and_digests() -> None:
    require_tag("v1.0.0_build-1")
    require_digest("sha256:" + "a" * 64)
    assert is_digest("sha512:" + "0" * 128)
    for tag in ("", "../x", "-x", "a/b", "a" * 129, "v1\n", "é"):
        with pytest.raises(InvalidReference):
            require_tag(tag)
    for digest in ("", "sha256:", "sha256:" + "A" * 64, "md5:" + "0" * 32, "0" * 64):
        with pytest.raises(InvalidReference):
            require_digest(digest)
