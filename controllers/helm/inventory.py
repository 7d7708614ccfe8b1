"""status.inventory: what a release consists of, for those who look at it (specs/helm.md 16).

Nothing is deleted by it: the records of Helm say what is in the cluster.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from controllers.helm.actions.objects import ManifestUnusable, objects_of, read_objects
from controllers.helm.release.record import Release
from controllers.helm.session import Session
from shared.kube.errors import KubeError
from shared.logic.inventory import Inventory
from shared.logic.owner import metadata_map
from shared.model.event import EventType
from shared.model.meta import Object, ObjectRef

_HOOK = "helm.sh/hook"
_FOLDER = "crds/"
# The whole object must fit into the store of the API server (1.5 MiB).
_MOST_BYTES = 768 * 1024


async def take_stock(session: Session, release: Release) -> None:
    """Put the objects of the release into the status; what goes wrong is told, and fails nothing."""
    try:
        objects = [obj for obj in await objects_of(release.manifest) if _HOOK not in _annotations(obj)]
        definitions = await asyncio.to_thread(_definitions, release.chart)
    except ManifestUnusable as error:
        _warn(session, "InventoryBuildFailed", f"failed to build the inventory: {error}")
        return
    refs = [await _placed(session, obj, release.namespace) for obj in objects]
    refs += [ObjectRef.of(obj) for obj in definitions]
    rendered = Inventory.of(refs).render()
    if len(orjson.dumps(rendered)) > _MOST_BYTES:
        session.report.status.pop("inventory", None)
        _warn(session, "InventoryBuildFailed", f"{len(refs)} objects are too many for the status")
        return
    session.report.status["inventory"] = rendered


async def _placed(session: Session, obj: Object, namespace: str) -> ObjectRef:
    ref = ObjectRef.of(obj)
    try:
        resource = await session.tools.discovery.resource_of(ref)
    except KubeError as error:
        _warn(session, "NamespaceCheckSkipped", f"cannot tell whether {ref} has a namespace: {error}")
        return ref
    where = (ref.namespace or namespace) if resource.namespaced else ""
    return ObjectRef(ref.api_version, ref.kind, where, ref.name)


def _definitions(chart: Mapping[str, Any]) -> list[Object]:
    return [
        obj
        for text in _files(chart)
        for obj in read_objects(text)
        if obj["kind"] == "CustomResourceDefinition"
    ]


def _files(chart: Mapping[str, Any]) -> Iterator[str]:
    for file in chart.get("files") or ():
        if str(file.get("name", "")).startswith(_FOLDER):
            try:
                yield base64.b64decode(file.get("data") or "").decode()
            except (binascii.Error, UnicodeDecodeError) as error:
                raise ManifestUnusable(f"{file['name']} is not text: {error}") from error


def _annotations(obj: Object) -> Mapping[str, str]:
    return metadata_map(obj, "annotations")


def _warn(session: Session, reason: str, message: str) -> None:
    session.report.tell(EventType.WARNING, reason, message, session.plan.about.metadata)
