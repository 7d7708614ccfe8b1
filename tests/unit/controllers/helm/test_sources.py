"""When a source can be used, and whom its news concern."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.helm.sources import Consumers, chart_source, unready
from shared.kube.cache import Change
from shared.model.helm import HelmRelease
from shared.model.kinds import HELM_CHART, OCI_REPOSITORY
from shared.model.meta import Object, ObjectKey
from tests.unit.controllers.helm.releases import helm_release

ARTIFACT = {"url": "http://x/a", "path": "a", "revision": "1.0.0@sha256:aa", "digest": "sha256:bb"}
TEMPLATE = {"spec": {"chart": "podinfo", "sourceRef": {"kind": "HelmRepository", "name": "repo"}}}


def source(
    kind: str = "OCIRepository", name: str = "podinfo", *, generation: int = 1, **status: Any
) -> Object:
    given = {"observedGeneration": 1, "artifact": ARTIFACT, "conditions": []} | status
    return {
        "kind": kind,
        "metadata": {"name": name, "namespace": "apps", "generation": generation},
        "status": {key: value for key, value in given.items() if value is not None},
    }


def condition(kind: str, status: str, message: str) -> list[Object]:
    return [{"type": kind, "status": status, "message": message, "reason": "X"}]


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (source(), ""),
        (source(conditions=condition("Ready", "False", "x")), ""),
        (source(artifact=None), "does not have an artifact"),
        (source(generation=2), "latest generation of object has not been reconciled"),
        (source(generation=2, conditions=condition("Ready", "False", "no such tag")), "no such tag"),
        (source(conditions=condition("Stalled", "True", "bad url")), "bad url"),
        (source("ExternalArtifact", generation=2), ""),
        (source("ExternalArtifact", artifact=None), "does not have an artifact"),
    ],
)
def test_readiness(found: Object, problem: str) -> None:
    assert unready(found) == problem


def test_which_source_it_is() -> None:
    assert str(chart_source(HelmRelease.parse(helm_release()))) == "OCIRepository/apps/podinfo"
    by_template = HelmRelease.parse(helm_release(chart=TEMPLATE))
    assert str(chart_source(by_template)) == "HelmChart/apps/apps-web"


def release(ready: str = "True", revision: str = "", digest: str = "", **spec: Any) -> Object:
    obj = helm_release(**spec)
    obj["status"] = {
        "conditions": [{"type": "Ready", "status": ready}],
        "lastAttemptedRevision": revision,
        "lastAttemptedRevisionDigest": digest,
    }
    return obj


OTHER = {**ARTIFACT, "revision": "1.0.1@sha256:cc"}


@pytest.mark.parametrize(
    ("obj", "before", "after", "woken"),
    [
        pytest.param(release(), source(), source(), False, id="no news"),
        pytest.param(release(), None, source(), False, id="a source that is new to us"),
        pytest.param(release(), source(artifact=None), source(), True, id="its first artifact"),
        pytest.param(release(), source(), source(artifact=OTHER), True, id="another artifact"),
        pytest.param(release(), source(generation=2), source(), True, id="it became ready"),
        pytest.param(
            release(digest="sha256:cc"), source(), source(artifact=OTHER), False, id="one that was tried"
        ),
        pytest.param(
            release("False", digest="sha256:cc"),
            source(),
            source(artifact=OTHER),
            True,
            id="tried and failed",
        ),
        pytest.param(
            release(chartRef={"kind": "OCIRepository", "name": "other"}),
            source(),
            source(artifact=OTHER),
            False,
            id="somebody else's",
        ),
    ],
)
def test_who_is_woken(obj: Object, before: Object | None, after: Object, woken: bool) -> None:
    consumers = Consumers([obj])  # type: ignore[arg-type]
    change = Change(ObjectKey("apps", "podinfo"), before, after)
    assert consumers.of(OCI_REPOSITORY, change) == ([ObjectKey("apps", "web")] if woken else [])


def test_the_owner_of_a_helm_chart_is_woken_before_it_has_noted_it() -> None:
    chart = source("HelmChart", "apps-web")
    change = Change(ObjectKey("apps", "apps-web"), source("HelmChart", "apps-web", artifact=None), chart)
    consumers = Consumers([release(chart=TEMPLATE)])  # type: ignore[list-item]
    assert consumers.of(HELM_CHART, change) == [ObjectKey("apps", "web")]
