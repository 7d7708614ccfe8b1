"""Whose health is awaited (specs/kustomize.md 11.1)."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.kustomize.failures import InvalidExpression
from controllers.kustomize.health import awaited, expiring_jobs, reader_of
from shared.logic.changes import Action, ChangeSet
from shared.model.kustomize import Kustomization
from shared.model.meta import GroupKind, ObjectRef
from tests import make

APPLIED = ObjectRef("v1", "ConfigMap", "apps", "a")
SKIPPED = ObjectRef("v1", "ConfigMap", "apps", "b")
ITSELF = ObjectRef("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps", "web")
CHANGES = ChangeSet.of([(APPLIED, Action.UNCHANGED), (SKIPPED, Action.SKIPPED), (ITSELF, Action.CONFIGURED)])
CHECK = {"kind": "Deployment", "name": "d", "namespace": "x"}
OWN = {"apiVersion": ITSELF.api_version, "kind": "Kustomization", "name": "web", "namespace": "apps"}
NAMESAKE = OWN | {"namespace": "elsewhere"}

CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing is asked for": ({}, []),
    "all that was applied": ({"wait": True}, ["ConfigMap/apps/a"]),
    "wait beats healthChecks": ({"wait": True, "healthChecks": [CHECK]}, ["ConfigMap/apps/a"]),
    "what is named": ({"healthChecks": [CHECK]}, ["Deployment/x/d"]),
    "never itself": ({"healthChecks": [OWN, NAMESAKE]}, ["Kustomization/elsewhere/web"]),
    "a namespace is not guessed": ({"healthChecks": [{"kind": "Node", "name": "n"}]}, ["Node/n"]),
}


@pytest.mark.parametrize(("spec", "expected"), CASES.values(), ids=CASES)
def test_who_is_waited_for(spec: dict[str, Any], expected: list[str]) -> None:
    ks = Kustomization.parse(make.kustomization(**spec))
    assert [str(ref) for ref in awaited(ks, CHANGES)] == expected


def test_jobs_that_remove_themselves() -> None:
    def job(name: str, **spec: Any) -> dict[str, Any]:
        metadata = {"name": name, "namespace": "apps"}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}

    found = expiring_jobs([job("a", ttlSecondsAfterFinished=0), job("b"), make.config_map("c")])
    assert [ref.name for ref in found] == ["a"]


def compiled(**spec: Any) -> Any:
    return reader_of(Kustomization.parse(make.kustomization(**spec)))


def test_expressions_are_compiled_before_anything_is_done() -> None:
    good = {"apiVersion": "x.io/v1", "kind": "X", "current": "status.ok == true"}
    reader = compiled(healthCheckExprs=[good])
    assert reader is not None
    assert reader.judges(GroupKind("x.io", "X"))
    assert compiled() is None
    for bad in ([good | {"current": "status.ok =="}], [good, good]):
        with pytest.raises(InvalidExpression, match=r"^Reconciliation failed terminally due to config"):
            compiled(healthCheckExprs=bad)
