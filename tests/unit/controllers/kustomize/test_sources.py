"""Which sources a Kustomization may use, and what is said when there is none (specs/kustomize.md 2, 8)."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from controllers.kustomize.failures import AccessDenied, ArtifactFailed
from controllers.kustomize.settings import Settings
from controllers.kustomize.sources import Sources
from shared.model.artifact import Artifact
from shared.model.kustomize import Kustomization
from shared.runtime.failure import Failure, Waiting
from tests import make
from tests.unit.shared.kube.fake_api import fake_api, status

ARTIFACT = {"url": "http://x/a", "path": "a", "revision": "main@sha1:1", "digest": "sha256:0"}


async def found(answer: Any, *flags: str, kind: str = "GitRepository", **ref: str) -> Artifact:
    asked: list[str] = []

    async def answer_all(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return answer if isinstance(answer, web.Response) else web.json_response(answer)

    settings = Settings.from_process(flags, {})
    source = {"kind": kind, "name": "repo", **ref}
    ks = Kustomization.parse(make.kustomization(sourceRef=source, retryInterval="7s"))
    async with fake_api(answer_all) as client:
        sources = Sources(client, settings.runtime, no_cross_namespace_refs=settings.no_cross_namespace_refs)
        try:
            return await sources.artifact(ks)
        except AccessDenied:
            assert asked == [], "denied only after a request"
            raise


async def test_any_artifact_will_do_whatever_the_source_says_of_itself() -> None:
    source = make.git_repository()
    source["status"] = {"artifact": ARTIFACT, "conditions": [{"type": "Ready", "status": "False"}]}
    assert (await found(source)).revision == "main@sha1:1"


DENIED = {
    "another namespace": (
        ("--no-cross-namespace-refs",),
        {"namespace": "theirs"},
        "can't access 'GitRepository/theirs/repo', cross-namespace references have been blocked",
    ),
    "an external artifact": (
        (),
        {"kind": "ExternalArtifact"},
        "can't access 'ExternalArtifact/apps/repo', ExternalArtifact feature gate is disabled",
    ),
    "both": (
        ("--no-cross-namespace-refs",),
        {"kind": "ExternalArtifact", "namespace": "theirs"},
        "can't access 'ExternalArtifact/theirs/repo', cross-namespace references have been blocked",
    ),
    "no source at all": ((), {"kind": "Secret"}, "can't access 'Secret/apps/repo', the kind is not a source"),
}


@pytest.mark.parametrize(("flags", "ref", "message"), DENIED.values(), ids=DENIED)
async def test_access_is_denied_before_anything_is_read(
    flags: tuple[str, ...], ref: dict[str, str], message: str
) -> None:
    with pytest.raises(AccessDenied) as denied:
        await found(make.git_repository(), *flags, **ref)
    assert denied.value.message == message
    assert not denied.value.advances


async def test_the_own_namespace_may_be_named() -> None:
    source = make.git_repository() | {"status": {"artifact": ARTIFACT}}
    assert await found(source, "--no-cross-namespace-refs", namespace="apps")
    assert await found(source, namespace="theirs")


FAILURES: dict[str, tuple[Any, type[Failure], str, float | None, bool]] = {
    "not there": (
        status(404, "NotFound", "no such thing"),
        ArtifactFailed,
        "Source 'GitRepository/apps/repo' not found: no such thing",
        7,
        True,
    ),
    "not allowed": (
        status(403, "Forbidden", "you may not"),
        ArtifactFailed,
        "unable to get source 'apps/repo': you may not",
        None,
        False,
    ),
    "no artifact": (
        make.git_repository(),
        Waiting,
        "Source artifact not found, retrying in 30s",
        30,
        True,
    ),
}


@pytest.mark.parametrize(("answer", "kind", "message", "retry", "quiet"), FAILURES.values(), ids=FAILURES)
async def test_why_there_is_no_artifact(
    answer: Any, kind: type[Failure], message: str, retry: float | None, quiet: bool
) -> None:
    with pytest.raises(kind) as failed:
        await found(answer)
    failure = failed.value
    assert (failure.message, failure.reason, failure.quiet) == (message, "ArtifactFailed", quiet)
    assert (failure.retry_in and failure.retry_in.total_seconds()) == retry
