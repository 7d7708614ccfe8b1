"""When a dependency counts as ready, and who hears of it (specs/kustomize.md 2.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from controllers.kustomize.dependencies import Dependants, Dependencies, built_in_problem
from controllers.kustomize.failures import InvalidExpression
from shared.kube.cache import Change
from shared.model.applying import Dependency
from shared.model.artifact import Artifact
from shared.model.kustomize import Kustomization
from shared.model.meta import ObjectKey
from shared.runtime.failure import Waiting
from tests import make
from tests.unit.shared.kube.fake_api import fake_api, status

ARTIFACT = Artifact("http://x", "x", "main@sha1:1", "sha256:0")
BASE = Dependency("apps", "base", "")


def dep(ready: str = "True", *, generation: int = 1, revision: str = "main@sha1:1", **spec: Any) -> Any:
    obj = make.kustomization("base", **spec)
    obj["status"] = {
        "observedGeneration": generation,
        "conditions": [{"type": "Ready", "status": ready}],
        "lastAppliedRevision": revision,
    }
    return obj


def without(obj: Any, field: str) -> Any:
    return {key: value for key, value in obj.items() if key != field}


OTHER = {"sourceRef": {"kind": "GitRepository", "name": "other"}}
ELSEWHERE = {"sourceRef": {"kind": "GitRepository", "name": "repo", "namespace": "elsewhere"}}

CASES = {
    "ready": (dep(), ""),
    "not ready": (dep("False"), "dependency 'apps/base' is not ready"),
    "of an older generation": (dep(generation=0), "dependency 'apps/base' is not ready"),
    "without a status": (without(dep(), "status"), "dependency 'apps/base' is not ready"),
    "behind": (dep(revision="main@sha1:0"), "dependency 'apps/base' revision is not up to date"),
    "behind, of another source": (dep(revision="main@sha1:0", **OTHER), ""),
    "behind, of a source elsewhere": (dep(revision="main@sha1:0", **ELSEWHERE), ""),
    "without a spec": (without(dep(revision="old"), "spec"), ""),
}


@pytest.mark.parametrize(("found", "problem"), CASES.values(), ids=CASES)
def test_the_built_in_checks(found: Any, problem: str) -> None:
    ks = Kustomization.parse(make.kustomization())
    assert built_in_problem(ks, BASE, found, ARTIFACT) == problem


def test_who_hears_of_progress() -> None:
    others = [
        make.kustomization("here", dependsOn=[{"name": "base"}]),
        make.kustomization("there", "elsewhere", dependsOn=[{"name": "base", "namespace": "apps"}]),
        make.kustomization("namesake", "elsewhere", dependsOn=[{"name": "base"}]),
        make.kustomization("free"),
        without(make.kustomization("bare"), "spec"),
    ]
    base = ObjectKey("apps", "base")
    progress = Change(base, dep("False"), dep())
    who = Dependants()
    for obj in others:
        assert who.woken(Change(ObjectKey.of(obj), None, obj)) == []
    assert who.woken(progress) == [ObjectKey("apps", "here"), ObjectKey("elsewhere", "there")]
    assert who.woken(Change(base, dep(), dep())) == []
    assert who.woken(Change(base, dep(), None)) == []

    here, there = others[:2]
    who.woken(Change(ObjectKey.of(here), here, make.kustomization("here")))
    who.woken(Change(ObjectKey.of(there), there, None))
    assert who.woken(progress) == []


async def asked(answer: web.Response | Any, expression: str = "", *, additive: bool = False) -> None:
    async def answer_all(_request: web.Request) -> web.StreamResponse:
        return answer if isinstance(answer, web.Response) else web.json_response(answer)

    obj = make.kustomization(dependsOn=[{"name": "base", "readyExpr": expression}])
    async with fake_api(answer_all) as client:
        dependencies = Dependencies(client, requeue=timedelta(seconds=30), additive=additive)
        await dependencies.require_ready(Kustomization.parse(obj), obj, ARTIFACT)


EXPRESSIONS = {
    "false": ("dep.metadata.name == 'x'", False, "is not ready according to readyExpr eval"),
    "fails": ("dep.status.nothing.there == 1", False, "dependency 'apps/base' is not ready: "),
    "true beside the checks": ("self.metadata.name == 'web'", True, "dependency 'apps/base' is not ready"),
}


@pytest.mark.parametrize(("expression", "additive", "problem"), EXPRESSIONS.values(), ids=EXPRESSIONS)
async def test_who_is_not_ready_is_waited_for(expression: str, additive: bool, problem: str) -> None:
    with pytest.raises(Waiting) as waiting:
        await asked(dep("False"), expression, additive=additive)
    assert problem in waiting.value.message
    assert waiting.value.event == "Dependencies do not meet ready condition, retrying in 30s"
    assert waiting.value.metadata == {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:1"}


async def test_an_expression_replaces_the_checks() -> None:
    await asked(dep("False"), "dep.metadata.name == 'base'")


async def test_a_dependency_that_cannot_be_read_is_not_found() -> None:
    with pytest.raises(Waiting, match=r"^dependency 'apps/base' not found: "):
        await asked(status(404, "NotFound", "no such thing"))


@pytest.mark.parametrize("expression", ["dep.status.", "1 + 1", "other.x == 1"])
async def test_an_expression_that_does_not_compile_is_final(expression: str) -> None:
    with pytest.raises(InvalidExpression, match=r"terminally.*failed to evaluate dependency base: "):
        await asked(dep(), expression)
