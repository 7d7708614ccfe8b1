"""When artifacts are made again, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controllers.source.generation.decide import Seen, require_valid, sources_digest, why_anew
from shared.model.artifact import Artifact
from shared.model.generator import ArtifactGenerator
from shared.runtime.failure import Stalled

COPY = [{"from": "@repo/", "to": "@artifact/"}]
ARTIFACT = Artifact("http://x/a", "a", "main@sha1:1", "sha256:1")


def generator(inventory: tuple[str, ...] = ("d1",), **spec: Any) -> ArtifactGenerator:
    entries = [{"name": d, "namespace": "n", "digest": d, "filename": f"{d}.tar.gz"} for d in inventory]
    return ArtifactGenerator.parse(
        {
            "apiVersion": "source.extensions.fluxcd.io/v1beta1",
            "metadata": {"name": "g", "namespace": "n", "uid": "u"},
            "spec": {
                "sources": [{"alias": "repo", "kind": "GitRepository", "name": "repo"}],
                "artifacts": [{"name": "a", "copy": COPY}],
            }
            | spec,
            "status": {"inventory": entries, "observedSourcesDigest": sources_digest({"repo": ARTIFACT})},
        }
    )


AS_MADE = Seen(
    ready=True,
    new_generation=False,
    sources_digest=sources_digest({"repo": ARTIFACT}),
    digests=["d1"],
    lost=[],
    moved=False,
)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        pytest.param({}, "", id="as it was made"),
        pytest.param({"ready": False}, "did not succeed", id="not ready"),
        pytest.param({"new_generation": True}, "spec has changed", id="another spec"),
        pytest.param({"sources_digest": "x"}, "sources have changed", id="other sources"),
        pytest.param({"lost": ["a/b"]}, "'a/b' disappeared", id="lost file"),
        pytest.param({"digests": []}, "not as they were made", id="deleted object"),
        pytest.param({"digests": ["d2"]}, "not as they were made", id="changed object"),
        pytest.param({"digests": ["d1", "d1"]}, "not as they were made", id="another object"),
        pytest.param({"moved": True}, "address of the store", id="another address"),
    ],
)
def test_why_anew(seen: dict[str, Any], reason: str) -> None:
    found = why_anew(generator(), replace(AS_MADE, **seen))
    assert (reason in found) if reason else not found


def test_the_number_of_artifacts_counts_without_a_pattern_alone() -> None:
    seen = replace(AS_MADE, digests=["d1", "d2"])
    assert "number" in why_anew(generator(("d1", "d2")), seen)
    assert why_anew(generator(("d1", "d2"), pathPattern="@repo/{a}"), seen) == ""


def test_the_digest_of_sources_does_not_depend_on_their_order() -> None:
    other = replace(ARTIFACT, digest="sha256:2")
    assert sources_digest({"a": ARTIFACT, "b": other}) == sources_digest({"b": other, "a": ARTIFACT})
    assert sources_digest({"a": ARTIFACT}) != sources_digest({"a": other})


@pytest.mark.parametrize(
    ("spec", "reason", "said"),
    [
        (
            {"sources": [{"alias": "r", "kind": "Bucket", "name": n} for n in "ab"]},
            "ValidationFailed",
            "duplicate source alias 'r'",
        ),
        ({"artifacts": [{"name": "a", "copy": COPY}] * 2}, "ValidationFailed", "duplicate artifact name 'a'"),
        ({"artifacts": [{"name": "A", "copy": COPY}]}, "ValidationFailed", "'A' is not a valid object name"),
        (
            {"artifacts": [{"name": "a", "copy": COPY, "revision": "@no"}]},
            "ValidationFailed",
            "revision alias 'no' not found",
        ),
        (
            {"sources": [{"alias": "r", "kind": "Bucket", "name": "b", "namespace": "other"}]},
            "AccessDenied",
            "can't access 'Bucket/other/b', cross-namespace references have been blocked",
        ),
    ],
)
def test_what_is_refused(spec: dict[str, Any], reason: str, said: str) -> None:
    with pytest.raises(Stalled) as caught:
        require_valid(generator(**spec), own_namespace_only=True)
    assert caught.value.reason == reason
    assert said in caught.value.message


def test_what_is_allowed() -> None:
    require_valid(generator(), own_namespace_only=True)
    origin = [{"name": "a", "copy": COPY, "originRevision": "@no"}]
    require_valid(generator(artifacts=origin), own_namespace_only=True)
    template = [{"name": "{a}", "copy": COPY}]
    require_valid(generator(artifacts=template, pathPattern="@repo/{a}"), own_namespace_only=True)
    elsewhere = [{"alias": "r", "kind": "Bucket", "name": "b", "namespace": "other"}]
    require_valid(generator(sources=elsewhere), own_namespace_only=False)
