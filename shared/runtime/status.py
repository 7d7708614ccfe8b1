"""The only writer of status: patches what changed and loses nobody else's update.

Follows specs/runtime.md 4. Conditions are a list, which a merge patch replaces whole, so they are
written under an optimistic lock and merged again when somebody was faster; other fields are not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.kube.client import KubeClient
from shared.kube.errors import Conflict, NotFound
from shared.logic.conditions import merge_conditions
from shared.logic.merge_patch import merge_diff
from shared.model.kinds import Resource
from shared.model.meta import Condition, Object, ObjectKey

_ATTEMPTS = 6
_FIRST_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class StatusWriter:
    """Writes status and finalizers of one kind as `field_manager`."""

    client: KubeClient
    resource: Resource
    field_manager: str
    owned: frozenset[str]

    async def write(self, base: Object, conditions: list[Condition], fields: Mapping[str, Any]) -> Object:
        """Bring the object's status from `base` to the draft; returns the object as it is now.

        No request at all when nothing differs. Raises NotFound, and Conflict when others never stop.
        """
        before = base.get("status") or {}
        old_conditions = [Condition.parse(raw) for raw in before.get("conditions") or ()]
        patch = merge_diff(_without_conditions(before), fields)
        if not patch and conditions == old_conditions:
            return base
        key, latest = ObjectKey.of(base), base
        for attempt in range(_ATTEMPTS):
            body: Object = {"status": dict(patch)}
            if conditions != old_conditions:
                theirs = [
                    Condition.parse(raw) for raw in (latest.get("status") or {}).get("conditions") or ()
                ]
                merged = merge_conditions(old_conditions, conditions, theirs, self.owned)
                body["status"]["conditions"] = [item.render() for item in merged]
                body["metadata"] = {"resourceVersion": latest["metadata"]["resourceVersion"]}
            try:
                return await self._patch(key, body, subresource="status")
            except Conflict:
                if attempt == _ATTEMPTS - 1:
                    raise
                await asyncio.sleep(_FIRST_PAUSE * 2**attempt)
                latest = await self.client.get(self.resource, key.namespace, key.name)
                if latest["metadata"].get("uid") != base["metadata"].get("uid"):
                    raise NotFound(404, "NotFound", f"{key.name} was replaced by another object") from None
        raise AssertionError("the loop returns or raises")

    async def set_finalizers(self, base: Object, finalizers: list[str]) -> Object:
        """Replace the list under an optimistic lock. Raises Conflict when somebody was faster."""
        meta = base["metadata"]
        body = {"metadata": {"finalizers": finalizers, "resourceVersion": meta["resourceVersion"]}}
        return await self._patch(ObjectKey.of(base), body)

    async def _patch(self, key: ObjectKey, body: Object, *, subresource: str = "") -> Object:
        answer = await self.client.patch(
            self.resource,
            key.namespace,
            key.name,
            body,
            subresource=subresource,
            params={"fieldManager": self.field_manager},
        )
        answer["metadata"].pop("managedFields", None)
        return answer


def _without_conditions(status: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in status.items() if key != "conditions"}
