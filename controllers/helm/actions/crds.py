"""The definitions in a chart's `crds/` folder: they go before everything else (specs/helm.md 13)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from controllers.helm.actions.apply_one import ObjectWriter, WriteOptions
from controllers.helm.actions.errors import ObjectsFailed, WaitFailed
from controllers.helm.actions.objects import ManifestUnusable, Placed, place, read_objects
from controllers.helm.actions.requests import CrdPolicy, Wait
from controllers.helm.actions.toolbox import FIELD_MANAGER, Tools
from controllers.helm.actions.wait import until_ready
from shared.charts.rendered import ChartCrd
from shared.kube.errors import Conflict, KubeError
from shared.kube.parallel import each
from shared.logic.kstatus.fields import objects as objects_at
from shared.logic.kstatus.fields import text
from shared.logic.owner import with_metadata
from shared.model.meta import Object

_KIND = "CustomResourceDefinition"
_ESTABLISHED_WITHIN = timedelta(seconds=60)


class DefinitionsFailed(ObjectsFailed):
    """What is wrong with which definition."""


async def apply_crds(
    tools: Tools, crds: Sequence[ChartCrd], policy: CrdPolicy, origin: Mapping[str, str], wait: Wait
) -> frozenset[str]:
    """Make the definitions served; returns the API versions and kinds (`g/v`, `g/v/Kind`) that they define.

    `origin` are labels for them. Raises DefinitionsFailed.
    """
    if policy is CrdPolicy.SKIP or not crds:
        return frozenset()
    try:
        found = await asyncio.to_thread(_definitions, crds)
        for stranger in found.strangers:
            tools.on_stage(f"{stranger} in crds/ is no {_KIND} and is left out")
        labelled = [with_metadata(obj, labels=origin, annotations={}) for obj in found.definitions]
        await _write(tools, await place(tools, labelled, ""), policy, wait)
    except (KubeError, ManifestUnusable, ObjectsFailed, WaitFailed) as error:
        raise DefinitionsFailed(f"failed to apply CustomResourceDefinitions: {error}") from error
    return _served(tools, found.definitions)


async def _write(tools: Tools, definitions: Sequence[Placed], policy: CrdPolicy, wait: Wait) -> None:
    changed: list[Placed] = []
    problems: list[str] = []
    writer = ObjectWriter(tools, WriteOptions(server_side=True))

    async def write(item: Placed) -> None:
        try:
            if policy is CrdPolicy.CREATE_REPLACE:
                await writer.write(item, None)
            elif not await _create(tools, item):
                return
            changed.append(item)
        except KubeError as error:
            problems.append(f"{item.ref}: {error}")

    await each(definitions, write, at_once=tools.concurrency)
    if problems:
        raise ObjectsFailed.of(problems)
    await until_ready(tools, changed, replace(wait, timeout=min(wait.timeout, _ESTABLISHED_WITHIN)))


async def _create(tools: Tools, item: Placed) -> bool:
    """False when it is there already, whatever it says. Looked up first: most often it is there."""
    if await tools.client.find(item.resource, "", item.key.name) is not None:
        return False
    try:
        await tools.client.create(item.resource, item.desired, field_manager=FIELD_MANAGER)
    except Conflict:
        return False
    return True


class _Found:
    def __init__(self) -> None:
        self.definitions: list[Object] = []
        self.strangers: list[str] = []


def _definitions(crds: Iterable[ChartCrd]) -> _Found:
    found = _Found()
    for crd in crds:
        try:
            objects = read_objects(crd.data)
        except ManifestUnusable as error:
            raise ManifestUnusable(f"{crd.filename}: {error}") from error
        for obj in objects:
            if obj["kind"] == _KIND:
                found.definitions.append(obj)
            else:
                found.strangers.append(f"{obj['kind']}/{obj['metadata']['name']}")
    return found


def _served(tools: Tools, definitions: Iterable[Object]) -> frozenset[str]:
    """What charts may ask `.Capabilities.APIVersions` for; discovery asks the server again."""
    served: set[str] = set()
    for obj in definitions:
        group, kind = text(obj, "spec", "group"), text(obj, "spec", "names", "kind")
        for version in objects_at(obj, "spec", "versions"):
            if version.get("served"):
                api_version = f"{group}/{text(version, 'name')}"
                served |= {api_version, f"{api_version}/{kind}"}
                tools.discovery.forget(api_version)
    return frozenset(served)
