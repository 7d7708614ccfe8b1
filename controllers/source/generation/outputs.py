"""ExternalArtifacts in the cluster: made, found again and deleted (spec source 13.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from controllers.source.generation.patterns import Wanted
from shared.kube.client import KubeClient
from shared.kube.errors import Conflict, KubeError, NotFound
from shared.logic.conditions import Conditions
from shared.model.artifact import Artifact, artifact_of
from shared.model.generator import FIELD_MANAGER, GENERATOR_LABEL, MANAGED_BY_LABEL, ArtifactGenerator
from shared.model.kinds import ARTIFACT_GENERATOR, EXTERNAL_ARTIFACT
from shared.model.meta import READY, Object, Reason
from shared.runtime.failure import Failure

log = structlog.get_logger()

RECONCILIATION_FAILED = "ReconciliationFailed"


@dataclass(frozen=True, slots=True)
class Outputs:
    """The ExternalArtifacts of generators, known by a label with the generator's uid."""

    client: KubeClient

    async def owned_by(self, generator: ArtifactGenerator) -> list[Object]:
        """Raises Failure."""
        selector = f"{GENERATOR_LABEL}={generator.uid}"
        try:
            found = await self.client.list(
                EXTERNAL_ARTIFACT, generator.key.namespace, label_selector=selector
            )
        except KubeError as error:
            message = f"failed to list ExternalArtifacts: {error}"
            raise Failure(message, reason=RECONCILIATION_FAILED) from error
        return found.items

    async def publish(
        self, generator: ArtifactGenerator, wanted: Wanted, artifact: Artifact, live: Object | None
    ) -> None:
        """Bring the object to what it should be; nothing is sent where it is that already. Raises Failure."""
        desired = _object(generator, wanted)
        try:
            if live is None or not _holds(live, desired):
                live = await self.client.apply(EXTERNAL_ARTIFACT, desired, field_manager=FIELD_MANAGER)
            status = _status(live, artifact)
            if (live.get("status") or {}) != status:
                await self._write_status(desired, status)
        except KubeError as error:
            name = f"{generator.key.namespace}/{wanted.output.name}"
            message = f"failed to apply ExternalArtifact '{name}': {error}"
            raise Failure(message, reason=RECONCILIATION_FAILED) from error

    async def _write_status(self, desired: Object, status: Object) -> None:
        meta = desired["metadata"]
        body = {
            "apiVersion": desired["apiVersion"],
            "kind": desired["kind"],
            "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
            "status": status,
        }
        await self.client.patch(
            EXTERNAL_ARTIFACT,
            meta["namespace"],
            meta["name"],
            body,
            kind="apply",
            subresource="status",
            params={"fieldManager": FIELD_MANAGER, "force": "true"},
        )

    async def delete(self, obj: Object) -> bool:
        """Delete that very object; says whether it is gone. A failure is only logged."""
        meta = obj["metadata"]
        try:
            await self.client.delete(EXTERNAL_ARTIFACT, meta["namespace"], meta["name"], uid=meta["uid"])
        except (NotFound, Conflict):
            return True
        except KubeError as error:
            log.error("ExternalArtifact could not be deleted", artifact=meta["name"], error=str(error))
            return False
        return True


def digests_of(objects: Sequence[Object]) -> list[str]:
    """Of their artifacts; empty for one without."""
    return [artifact.digest if (artifact := artifact_of(obj)) else "" for obj in objects]


def _object(generator: ArtifactGenerator, wanted: Wanted) -> Object:
    labels = {
        **generator.labels,
        **wanted.labels,
        MANAGED_BY_LABEL: FIELD_MANAGER,
        GENERATOR_LABEL: generator.uid,
    }
    metadata: Object = {"name": wanted.output.name, "namespace": generator.key.namespace, "labels": labels}
    if generator.annotations:
        metadata["annotations"] = dict(generator.annotations)
    return {
        "apiVersion": EXTERNAL_ARTIFACT.api_version,
        "kind": EXTERNAL_ARTIFACT.kind,
        "metadata": metadata,
        "spec": {
            "sourceRef": {
                "apiVersion": generator.api_version,
                "kind": ARTIFACT_GENERATOR.kind,
                "name": generator.key.name,
                "namespace": generator.key.namespace,
            }
        },
    }


def _holds(live: Object, desired: Object) -> bool:
    """Whether labels and spec are as desired; labels and annotations of others are theirs."""
    mine, theirs = desired["metadata"], live["metadata"]
    return (
        live.get("spec") == desired["spec"]
        and _includes(theirs.get("labels"), mine["labels"])
        and _includes(theirs.get("annotations"), mine.get("annotations") or {})
        # A label that is not wanted any more is taken away by applying without it.
        and not _applied_beyond(live, desired)
    )


def _includes(whole: Mapping[str, str] | None, part: Mapping[str, str]) -> bool:
    return all((whole or {}).get(key) == value for key, value in part.items())


def _applied_beyond(live: Object, desired: Object) -> bool:
    """Whether we own labels or annotations that are not desired now."""
    for entry in live["metadata"].get("managedFields") or ():
        if entry.get("manager") != FIELD_MANAGER or entry.get("subresource"):
            continue
        fields = (entry.get("fieldsV1") or {}).get("f:metadata") or {}
        for name in ("labels", "annotations"):
            owned = {key.removeprefix("f:") for key in fields.get(f"f:{name}") or {} if key != "."}
            if owned - set(desired["metadata"].get(name) or {}):
                return True
    return False


def _status(live: Object, artifact: Artifact) -> dict[str, Any]:
    raw = (live.get("status") or {}).get("conditions")
    generation = live["metadata"].get("generation", 0)
    conditions = Conditions.parse(raw, generation=generation, now=datetime.now(UTC))
    conditions.mark_true(READY, Reason.SUCCEEDED, "Artifact is ready")
    return {"artifact": artifact.render(), "conditions": conditions.render()}
