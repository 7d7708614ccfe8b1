import pytest

from shared.git.errors import InvalidRemote, ReferenceNotFound
from shared.git.reference import Target, candidates, is_cheap, prefixes
from shared.model.source import GitReference

A, B, C, T = ("a" * 40, "b" * 40, "c" * 40, "1" * 40)
REFS = {
    "refs/heads/main": A,
    "refs/heads/master": B,
    "refs/heads/feature/x": C,
    "refs/tags/v1.0.0": A,
    "refs/tags/v1.2.0": T,
    "refs/tags/v1.2.0^{}": B,
    "refs/tags/1.2.0+build": C,
    "refs/tags/v2.0.0-rc.1": C,
    "refs/tags/v3": C,
    "refs/tags/v4.0": C,
    "refs/pull/4/head": C,
}


@pytest.mark.parametrize(
    ("given", "target"),
    [
        pytest.param({}, Target("master", "refs/heads/master", B, B), id="nothing: master"),
        pytest.param({"branch": "main"}, Target("main", "refs/heads/main", A, A), id="branch"),
        pytest.param(
            {"branch": "feature/x"},
            Target("feature/x", "refs/heads/feature/x", C, C),
            id="branch with a slash",
        ),
        pytest.param(
            {"tag": "v1.0.0", "branch": "main"}, Target("v1.0.0", "refs/tags/v1.0.0", A, A), id="tag"
        ),
        pytest.param({"tag": "v1.2.0"}, Target("v1.2.0", "refs/tags/v1.2.0", T, B), id="annotated tag"),
        pytest.param(
            {"tag": "v1.0.0", "semver": "*"},
            Target("v1.0.0", "refs/tags/v1.0.0", A, A),
            id="tag beats semver",
        ),
        pytest.param({"semver": "<1.2.0"}, Target("v1.0.0", "refs/tags/v1.0.0", A, A), id="semver"),
        pytest.param(
            {"semver": ">=2.0.0-0", "branch": "main"},
            Target("v2.0.0-rc.1", "refs/tags/v2.0.0-rc.1", C, C),
            id="semver beats branch; two-part tags are no versions",
        ),
        pytest.param(
            {"name": "refs/pull/4/head", "tag": "v1.0.0"},
            Target("refs/pull/4/head", "refs/pull/4/head", C, C),
            id="name beats tag and shows in full",
        ),
        pytest.param(
            {"name": "refs/tags/v1.2.0^{}"},
            Target("refs/tags/v1.2.0", "refs/tags/v1.2.0", T, B),
            id="peeled name",
        ),
        pytest.param(
            {"commit": A, "name": "refs/heads/main"}, Target("refs/heads/main", "", A, A), id="commit+name"
        ),
        pytest.param({"commit": A, "branch": "main"}, Target("main", "", A, A), id="commit and branch"),
        pytest.param({"commit": A, "tag": "v9.9.9"}, Target("", "", A, A), id="commit beats all"),
    ],
)
def test_precedence(given: dict[str, str], target: Target) -> None:
    assert candidates(GitReference(**given), REFS) == [target]


def test_equal_versions_are_all_candidates() -> None:
    found = candidates(GitReference(semver="~1.2"), REFS)

    assert [target.tag for target in found] == ["1.2.0+build", "v1.2.0"]


@pytest.mark.parametrize(
    ("given", "revision"),
    [
        ({"branch": "main"}, f"main@sha1:{A}"),
        ({"name": "refs/heads/main"}, f"refs/heads/main@sha1:{A}"),
        ({"commit": A}, f"sha1:{A}"),
        ({"commit": A, "branch": "main"}, f"main@sha1:{A}"),
    ],
)
def test_revisions(given: dict[str, str], revision: str) -> None:
    assert candidates(GitReference(**given), REFS)[0].revision == revision


@pytest.mark.parametrize(
    ("given", "listed"),
    [
        ({}, ["refs/heads/master"]),
        ({"tag": "v1", "branch": "x"}, ["refs/tags/v1"]),
        ({"semver": "*"}, ["refs/tags/"]),
        ({"name": "refs/heads/x"}, ["refs/heads/x"]),
        ({"commit": A}, []),
        ({"commit": A, "branch": "main"}, ["refs/heads/main"]),
    ],
)
def test_only_what_matters_is_listed(given: dict[str, str], listed: list[str]) -> None:
    assert prefixes(GitReference(**given)) == listed


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"branch": "gone"}, "couldn't find remote ref 'refs/heads/gone'"),
        ({"tag": "gone"}, "couldn't find remote ref 'refs/tags/gone'"),
        ({"semver": ">9"}, "no match found for semver: >9"),
        ({"commit": A, "branch": "gone"}, "refs/heads/gone"),
    ],
)
def test_what_is_not_there(given: dict[str, str], words: str) -> None:
    with pytest.raises(ReferenceNotFound, match=words):
        candidates(GitReference(**given), REFS)


@pytest.mark.parametrize(
    "given",
    [
        {"branch": "../x"},
        {"branch": "x" * 2000},
        {"branch": "a b"},
        {"branch": "caf\udce9"},
        {"name": "/refs/heads/x"},
        {"name": "--upload-pack=x"},
        {"tag": "v1.lock"},
        {"semver": "newest"},
        {"commit": "abc"},
        {"commit": "main"},
    ],
    ids=str,
)
def test_what_no_ref_can_be(given: dict[str, str]) -> None:
    reference = GitReference(**given)
    with pytest.raises(InvalidRemote):
        candidates(reference, REFS)


@pytest.mark.parametrize(
    ("given", "cheap"),
    [
        ({}, True),
        ({"tag": "v1", "semver": "*"}, True),
        ({"name": "refs/heads/x", "semver": "*"}, True),
        ({"semver": "*"}, False),
        ({"commit": A, "branch": "main"}, False),
    ],
)
def test_which_references_a_listing_settles(given: dict[str, str], cheap: bool) -> None:
    assert is_cheap(GitReference(**given)) is cheap
