"""What the tests of HelmRepository and HelmChart say often."""

from __future__ import annotations

import urllib.request
from typing import Any

from shared.model.kinds import HELM_CHART, HELM_REPOSITORY, Resource
from shared.model.meta import Object
from tests.e2e.world import World, condition
from tests.fakes.chart_repository import files_in


async def make_repository(world: World, name: str = "charts", **spec: Any) -> Object:
    return await world._make(HELM_REPOSITORY, name, {"interval": "1h"} | spec)


async def make_helm_chart(world: World, name: str = "app", **spec: Any) -> Object:
    source = {"kind": "HelmRepository", "name": "charts"}
    return await world._make(HELM_CHART, name, {"interval": "1h", "chart": "app", "sourceRef": source} | spec)


def served(obj: Object) -> bytes:
    with urllib.request.urlopen(obj["status"]["artifact"]["url"], timeout=5) as answer:
        raw: bytes = answer.read()
    return raw


def chart_files(obj: Object) -> dict[str, str]:
    """The files of the published chart."""
    return {name: content.decode() for name, content in files_in(served(obj)).items()}


def names_in(obj: Object) -> set[str]:
    """The names of the files of the published chart."""
    return set(files_in(served(obj)))


async def handled(world: World, resource: Resource, name: str) -> Object:
    """Ask for a reconcile and wait until it is over."""
    token = await world.request(resource, name)

    def over(obj: Object) -> bool:
        return obj["status"].get("lastHandledReconcileAt") == token and not condition(obj, "Reconciling")

    return await world.until(resource, name, over)
