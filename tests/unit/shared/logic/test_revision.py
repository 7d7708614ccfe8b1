import pytest

from shared.logic.revision import commit_of, digest_part, render_revision, short_ref

HASH = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("ref", "short"),
    [
        ("refs/heads/main", "main"),
        ("refs/heads/feature/x", "feature/x"),
        ("refs/tags/v1", "v1"),
        ("HEAD", "HEAD"),
        ("feature/x/y", "feature/x/y"),
    ],
)
def test_short_ref(ref: str, short: str) -> None:
    assert short_ref(ref) == short


def test_render_revision() -> None:
    assert render_revision("main", HASH) == f"main@sha1:{HASH}"
    assert render_revision("", HASH) == f"sha1:{HASH}"
    assert render_revision("main", "ab" * 32) == "main@<unknown>:" + "ab" * 32


@pytest.mark.parametrize(
    "revision",
    [f"main@sha1:{HASH}", f"odd@name@sha1:{HASH}", f"sha1:{HASH}", f"feature/x/{HASH}", f"HEAD/{HASH}"],
)
def test_the_commit_of_every_form(revision: str) -> None:
    assert commit_of(revision) == HASH
    assert digest_part(revision) == f"sha1:{HASH}"
