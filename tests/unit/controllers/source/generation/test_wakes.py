"""Which ArtifactGenerators a changed source concerns, and what is kept of sources in memory."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.source.generation.wiring import _artifact_alone, concerned
from shared.kube.cache import Cache, Change
from shared.model.kinds import ARTIFACT_GENERATOR, BUCKET, GIT_REPOSITORY, Resource
from shared.model.meta import ObjectKey
from tests.unit.shared.kube.fake_api import fake_api, status

KEY = ObjectKey("apps", "repo")


def source(revision: str = "", digest: str = "sha256:0") -> Any:
    artifact = {"url": "http://x", "path": "x", "revision": revision, "digest": digest}
    metadata = {"name": "repo", "namespace": "apps", "labels": {"much": "more"}}
    return {"metadata": metadata, "spec": {}} | ({"status": {"artifact": artifact}} if revision else {})


def generator(called: str, home: str = "apps", **reference: str) -> Any:
    named = {"alias": "a", "kind": "GitRepository", "name": "repo"} | reference
    return {"metadata": {"name": called, "namespace": home}, "spec": {"sources": [named]}}


USERS = [
    generator("here"),
    generator("far", "elsewhere", namespace="apps"),
    generator("namesake", "elsewhere"),
    generator("other", name="other"),
    {"metadata": {"name": "bare", "namespace": "apps"}},
]
MOVES = {
    "appeared": (source(), source("r1"), GIT_REPOSITORY, True),
    "new": (None, source("r1"), GIT_REPOSITORY, True),
    "another revision": (source("r1"), source("r2"), GIT_REPOSITORY, True),
    "another digest": (source("r1"), source("r1", "sha256:1"), GIT_REPOSITORY, True),
    "the same": (source("r1"), source("r1"), GIT_REPOSITORY, False),
    "lost": (source("r1"), source(), GIT_REPOSITORY, False),
    "gone": (source("r1"), None, GIT_REPOSITORY, False),
    "of another kind": (None, source("r1"), BUCKET, False),
}


@pytest.mark.parametrize(("before", "after", "kind", "wakes"), MOVES.values(), ids=MOVES)
async def test_a_source_wakes_its_generators(before: Any, after: Any, kind: Resource, wakes: bool) -> None:
    async def refused(_request: object) -> Any:
        return status(500)

    async with fake_api(refused) as client:
        known = Cache(client, ARTIFACT_GENERATOR)
        known._replace(USERS)
    kept = _artifact_alone(before) if before else None
    woken = concerned(known, kind, Change(KEY, kept, after))
    assert woken == ([ObjectKey("apps", "here"), ObjectKey("elsewhere", "far")] if wakes else [])


def test_no_more_is_kept_than_is_compared() -> None:
    assert _artifact_alone(source()) == {"metadata": {"name": "repo", "namespace": "apps"}}
    assert _artifact_alone(source("r1"))["status"]["artifact"]["revision"] == "r1"
