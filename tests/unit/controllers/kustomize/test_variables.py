"""Where variables come from, and who wins (specs/kustomize.md 7.1)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from controllers.kustomize.failures import BuildFailed
from controllers.kustomize.variables import Variables, gather
from shared.model.artifact import Artifact
from shared.model.kustomize import Kustomization
from tests import make
from tests.unit.shared.kube.fake_api import fake_api, status

ARTIFACT = Artifact("http://x", "x", "main@sha1:a", "sha256:0")
STORED: Mapping[str, Any] = {
    "configmaps/one": {"data": {"a": "1", "b": "1", "text": "x\ny\n"}},
    "configmaps/two": {"data": {"b": "2"}},
    "secrets/s": {"data": {"b": base64.b64encode(b"3").decode()}},
    "secrets/bytes": {"data": {"b": base64.b64encode(b"\xff").decode()}},
    "configmaps/empty": {},
}


async def gathered(*references: tuple[str, str] | tuple[str, str, bool], **substitute: str) -> Variables:
    async def answer(request: web.Request) -> web.StreamResponse:
        found = STORED.get("/".join(request.path.split("/")[-2:]))
        if request.path.endswith("forbidden"):
            return status(403, "Forbidden", "you may not")
        return status(404, "NotFound", "none") if found is None else web.json_response(found)

    given = [
        {"kind": kind, "name": name, "optional": bool(rest and rest[0])} for kind, name, *rest in references
    ]
    post_build = {"substituteFrom": given, "substitute": substitute}
    async with fake_api(answer) as client:
        ks = Kustomization.parse(make.kustomization(postBuild=post_build, retryInterval="7s"))
        return await gather(ks, client, ARTIFACT)


async def test_later_references_win_and_the_spec_wins_over_all() -> None:
    references = [("ConfigMap", "one"), ("ConfigMap", "two"), ("Secret", "s")]
    assert (await gathered(*references)).values == {"a": "1", "b": "3", "text": "xy"}
    assert (await gathered(*reversed(references))).values["b"] == "1"
    assert (await gathered(*references, b="9")).values["b"] == "9"


async def test_what_is_optional_may_be_missing() -> None:
    assert not (await gathered(("Secret", "none", True), ("ConfigMap", "empty"))).used


FAILURES = {
    "missing": (("ConfigMap", "none"), "'ConfigMap/apps/none' error: not found, create it or mark"),
    "forbidden, though optional": (("Secret", "forbidden", True), "'Secret/apps/forbidden' error: "),
    "no text": (("Secret", "bytes"), "'Secret/apps/bytes' error: key 'b' is not text"),
}


@pytest.mark.parametrize(("reference", "message"), FAILURES.values(), ids=FAILURES)
async def test_a_failure_names_the_reference_and_no_value(reference: Any, message: str) -> None:
    with pytest.raises(BuildFailed) as failed:
        await gathered(reference)
    assert f"substitute from {message}" in failed.value.message
    assert failed.value.metadata == {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:a"}
    assert failed.value.retry_in == timedelta(seconds=7)


def test_values_are_never_printed() -> None:
    variables = Variables({"password": "s3cr3t"}, always=False)
    assert "s3cr3t" not in repr(variables)
    assert variables.digest != Variables({"password": "s3cr3t"}, always=True).digest
