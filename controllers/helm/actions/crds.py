"""The definitions in a chart's `crds/` folder: they go before everything else (specs/helm.md 13)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from controllers.helm.actions.apply_one import ObjectWriter, WriteOptions
from controllers.helm.actions.errors import ObjectsFailed, WaitCancelled, WaitFailed
from controllers.helm.actions.objects import ManifestUnusable, Placed, place, read_objects
from controllers.helm.actions.requests import CrdPolicy, Wait
from controllers.helm.actions.toolbox import FIELD_MANAGER, Tools
from controllers.helm.actions.wait import until_ready
from shared.charts.rendered import ChartCrd
from shared.kube.errors import Conflict, KubeError, UnknownKind
from shared.kube.parallel import each
from shared.logic.kstatus.fields import objects as objects_at
from shared.logic.kstatus.fields import text
from shared.logic.owner import with_metadata
from shared.model.meta import Object

_KIND = "CustomResourceDefinition"
_ESTABLISHED_WITHIN = timedelta(seconds=60)
# An API server publishes a definition some seconds after it is established.
_SERVED_WITHIN = 20.0
_SERVED_PAUSE = 0.1


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
        changed = await _write(tools, await place(tools, labelled, ""), policy)
        await _until_served(tools, changed, wait)
    except WaitCancelled:
        raise
    except (KubeError, ManifestUnusable, ObjectsFailed, WaitFailed) as error:
        raise DefinitionsFailed(f"failed to apply CustomResourceDefinitions: {error}") from error
    return frozenset(name for obj in found.definitions for name in _names(obj))


async def _write(tools: Tools, definitions: Sequence[Placed], policy: CrdPolicy) -> list[Placed]:
    """Those that were created, or may have been changed."""
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
    return changed


async def _until_served(tools: Tools, definitions: Sequence[Placed], wait: Wait) -> None:
    """Also under `disableWait`: what the definitions define could not be applied otherwise."""
    if not definitions:
        return
    within = min(wait.timeout, _ESTABLISHED_WITHIN)
    await until_ready(tools, definitions, replace(wait, ready=True, timeout=within))
    deadline = asyncio.get_running_loop().time() + _SERVED_WITHIN
    for item in definitions:
        for api_version, kind in _kinds(item.desired):
            tools.discovery.forget(api_version)
            while not await _is_served(tools, api_version, kind):
                if asyncio.get_running_loop().time() > deadline:
                    return  # whoever needs the kind will say so
                await asyncio.sleep(_SERVED_PAUSE)
                tools.discovery.forget(api_version)


async def _is_served(tools: Tools, api_version: str, kind: str) -> bool:
    try:
        await tools.discovery.resource(api_version, kind)
    except UnknownKind:
        return False
    return True


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


def _names(definition: Object) -> list[str]:
    """What charts may ask `.Capabilities.APIVersions` for."""
    return [
        name for api_version, kind in _kinds(definition) for name in (api_version, f"{api_version}/{kind}")
    ]


def _kinds(definition: Object) -> list[tuple[str, str]]:
    """(apiVersion, kind) of every version that is served."""
    group, kind = text(definition, "spec", "group"), text(definition, "spec", "names", "kind")
    versions = objects_at(definition, "spec", "versions")
    return [(f"{group}/{text(version, 'name')}", kind) for version in versions if version.get("served")]
