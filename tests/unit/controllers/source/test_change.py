from typing import Any

import pytest

from controllers.source.change import content_changed, included_changed, verification_wanted
from shared.model.artifact import Artifact
from shared.model.source import GitRepository

INCLUDE = {"repository": {"name": "lib"}, "fromPath": "a", "toPath": "b"}


def repository(spec: dict[str, Any], status: dict[str, Any]) -> GitRepository:
    return GitRepository.parse(
        {
            "metadata": {"name": "repo", "namespace": "apps"},
            "spec": {"url": "https://example.org/x", "interval": "1m"} | spec,
            "status": status,
        }
    )


def artifact(revision: str = "r", digest: str = "d") -> Artifact:
    return Artifact("", "", revision, digest)


def verify(mode: str) -> dict[str, Any]:
    return {"verify": {"mode": mode, "secretRef": {"name": "keys"}}}


@pytest.mark.parametrize(
    ("spec", "status", "changed"),
    [
        pytest.param({}, {}, False, id="nothing was asked and nothing is"),
        pytest.param({"ignore": ""}, {}, True, id="empty ignore is not absent ignore"),
        pytest.param({"ignore": "*"}, {"observedIgnore": "*"}, False, id="same ignore"),
        pytest.param({}, {"observedIgnore": ""}, True, id="ignore removed"),
        pytest.param({"recurseSubmodules": True}, {}, True, id="submodules wanted"),
        pytest.param({"recurseSubmodules": False}, {}, False, id="submodules explicitly not wanted"),
        pytest.param(
            {"sparseCheckout": ["a", "b"]},
            {"observedSparseCheckout": ["b", "a"]},
            True,
            id="order of directories",
        ),
        pytest.param({"include": [INCLUDE]}, {"observedInclude": [INCLUDE]}, False, id="same include"),
        pytest.param(
            {"include": [INCLUDE | {"toPath": "c"}]},
            {"observedInclude": [INCLUDE]},
            True,
            id="include elsewhere",
        ),
    ],
)
def test_content_changed(spec: dict[str, Any], status: dict[str, Any], changed: bool) -> None:
    assert content_changed(repository(spec, status), []) is changed


@pytest.mark.parametrize(
    ("spec", "status", "wanted"),
    [
        pytest.param(verify("HEAD"), {}, True, id="never verified"),
        pytest.param(verify("head"), {"sourceVerificationMode": "HEAD"}, False, id="head is HEAD"),
        pytest.param(verify("Tag"), {"sourceVerificationMode": "HEAD"}, True, id="other object to verify"),
        pytest.param(verify("TagAndHEAD"), {"sourceVerificationMode": "Tag"}, True, id="one more to verify"),
        pytest.param(verify("Tag"), {"sourceVerificationMode": "TagAndHEAD"}, False, id="both satisfy one"),
        pytest.param({}, {"sourceVerificationMode": "HEAD"}, False, id="no longer asked for"),
    ],
)
def test_verification_wanted(spec: dict[str, Any], status: dict[str, Any], wanted: bool) -> None:
    assert verification_wanted(repository(spec, status)) is wanted


@pytest.mark.parametrize(
    ("stored", "now", "changed"),
    [
        ([], [], False),
        ([artifact()], [artifact()], False),
        ([artifact()], [artifact(digest="e")], True),
        ([artifact()], [artifact(revision="s")], True),
        ([artifact("a"), artifact("b")], [artifact("b"), artifact("a")], True),
        ([], [artifact()], True),
    ],
)
def test_included_changed(stored: list[Artifact], now: list[Artifact], changed: bool) -> None:
    assert included_changed(stored, now) is changed
