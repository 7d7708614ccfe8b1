"""Ask for a reconcile of what a Receiver names: an annotation, never more (specs/notification.md 15)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from controllers.notification.match import carries
from controllers.notification.receivers.filters import passes
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import KubeError
from shared.logic.cel import EvaluationFailed, InvalidExpression
from shared.model.kinds import Resource
from shared.model.meta import REQUESTED_AT, Object, ObjectKey, ObjectRef
from shared.model.notification import ANY, FIELD_MANAGER, SourceRef
from shared.model.receiver import Receiver, Target

log = structlog.get_logger()

_SOURCES = ("Bucket", "HelmChart", "HelmRepository", "GitRepository", "OCIRepository")
_DEFAULT_VERSIONS: Mapping[str, str] = {
    **dict.fromkeys(_SOURCES, "source.toolkit.fluxcd.io/v1"),
    "ImageRepository": "image.toolkit.fluxcd.io/v1",
    "ArtifactGenerator": "source.extensions.fluxcd.io/v1beta1",
}


class CannotPoke(Exception):
    """An entry of spec.resources cannot be acted upon."""


@dataclass(frozen=True, slots=True)
class Poker:
    client: KubeClient
    discovery: Discovery
    cross_namespace: bool

    async def poke(self, receiver: Receiver, request: Mapping[str, Any]) -> bool:
        """Annotate what the entries name and the filters let through; False when an entry failed.

        A failure ends its entry; the others go on.
        """
        whole = True
        for target in receiver.targets:
            try:
                await self._poke_target(receiver, target, request)
            except (CannotPoke, KubeError, EvaluationFailed, InvalidExpression) as error:
                entry = f"{target.objects.kind}/{target.objects.namespace}/{target.objects.name}"
                log.error("webhook could not be passed on", entry=entry, error=str(error))
                whole = False
        return whole

    async def _poke_target(self, receiver: Receiver, target: Target, request: Mapping[str, Any]) -> None:
        wanted = target.objects
        if not self.cross_namespace and wanted.namespace != receiver.key.namespace:
            raise CannotPoke("cross-namespace references are not allowed")
        version = version_of(wanted)
        resource = await self.discovery.resource_of(
            ObjectRef(version, wanted.kind, wanted.namespace, wanted.name)
        )
        # Any text that was not there before will do.
        patch = {"metadata": {"annotations": {REQUESTED_AT: f"{time.time_ns()}"}}}
        for obj in await self._objects(resource, wanted):
            key = ObjectKey.of(obj)
            view = obj | {"apiVersion": version, "kind": wanted.kind}
            if passes((receiver.resource_filter, target.filter), view, request):
                params = {"fieldManager": FIELD_MANAGER}
                await self.client.patch(resource, key.namespace, key.name, patch, params=params)
                log.info("reconcile requested", kind=wanted.kind, object=str(key))

    async def _objects(self, resource: Resource, wanted: SourceRef) -> list[Object]:
        if wanted.name != ANY:
            return [await self.client.get(resource, wanted.namespace, wanted.name, metadata_only=True)]
        if wanted.labels is None:
            raise CannotPoke("matchLabels field not set when using wildcard '*' as name")
        listed = await self.client.list(resource, wanted.namespace, metadata_only=True)
        found = [
            obj for obj in listed.items if carries(obj["metadata"].get("labels") or {}, wanted.labels or {})
        ]
        if not found:
            log.info("no object matches", kind=wanted.kind, namespace=wanted.namespace)
        return found


def version_of(wanted: SourceRef) -> str:
    """Raises CannotPoke for kinds whose version must be written."""
    version = wanted.api_version or _DEFAULT_VERSIONS.get(wanted.kind, "")
    if not version:
        raise CannotPoke(f'apiVersion must be specified for kind "{wanted.kind}"')
    return version
