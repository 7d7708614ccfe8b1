"""Which images an automation writes, and which automations a change concerns (specs/image.md 11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from controllers.image_automation.image_update_reasons import Reason
from shared.kube.cache import Cache, Change
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.logic.label_selector import InvalidSelector, LabelSelector, render_match_labels
from shared.model.image import ImageRef
from shared.model.image_update import ImageUpdateAutomation
from shared.model.kinds import IMAGE_POLICY
from shared.model.meta import Object, ObjectKey
from shared.runtime.failure import Failure, Stalled

_OPERATORS = {"In", "NotIn", "Exists", "DoesNotExist"}
_WITH_VALUES = {"In", "NotIn"}


@dataclass(frozen=True, slots=True)
class Policies:
    """`cache` is a copy of all ImagePolicies; until it is complete, the API server is asked."""

    client: KubeClient
    cache: Cache

    async def selected(self, automation: ImageUpdateAutomation) -> dict[str, ImageRef]:
        """The latest images by the names of their policies, which need be neither Ready nor active.

        Raises Stalled for a selector that selects nothing sensible, Failure when policies cannot be listed.
        """
        selector = _selector(automation.policy_selector)
        images: dict[str, ImageRef] = {}
        for obj in await self._of_namespace(automation.key.namespace):
            image = _latest(obj)
            if image is not None and selector.matches(obj["metadata"].get("labels") or {}):
                images[obj["metadata"]["name"]] = image
        return dict(sorted(images.items()))

    async def _of_namespace(self, namespace: str) -> Iterable[Object]:
        if self.cache.synced.is_set():
            return [obj for obj in self.cache if obj["metadata"]["namespace"] == namespace]
        try:
            return (await self.client.list(IMAGE_POLICY, namespace)).items
        except KubeError as error:
            raise Failure(f"failed to list policies: {error}") from error


def _selector(raw: Mapping[str, Any] | None) -> LabelSelector:
    try:
        for requirement in (raw or {}).get("matchExpressions") or ():
            _require_sensible(requirement)
        return LabelSelector.parse(render_match_labels(raw))
    except (InvalidSelector, KeyError) as error:
        message = f"failed to parse policy selector: {error}"
        raise Stalled(message, reason=Reason.INVALID_POLICY_SELECTOR) from error


def _require_sensible(requirement: Mapping[str, Any]) -> None:
    operator = requirement["operator"]
    if operator not in _OPERATORS:
        raise InvalidSelector(f"'{operator}' is not a valid label selector operator")
    if bool(requirement.get("values")) != (operator in _WITH_VALUES):
        needs = "needs values" if operator in _WITH_VALUES else "takes no values"
        raise InvalidSelector(f"operator '{operator}' of key '{requirement['key']}' {needs}")


def _latest(policy: Object) -> ImageRef | None:
    raw = (policy.get("status") or {}).get("latestRef")
    return ImageRef.parse(raw) if isinstance(raw, dict) and "name" in raw and "tag" in raw else None


@dataclass(frozen=True, slots=True)
class Concerned:
    """Which automations, of those in a cache, a change is news for."""

    automations: Cache

    def by_policy(self, change: Change) -> list[ObjectKey]:
        """A policy that chose another image: all of its namespace, since each has a selector of its own."""
        if change.before is None or change.after is None:
            return []
        before, after = _latest(change.before), _latest(change.after)
        if after is None or after == before:
            return []
        keys = (ObjectKey.of(obj) for obj in self.automations)
        return [key for key in keys if key.namespace == change.key.namespace]

    def by_repository(self, change: Change) -> list[ObjectKey]:
        """A GitRepository with another spec; new commits are for the next interval."""
        before, after = change.before, change.after
        if before is None or after is None or _generation(before) == _generation(after):
            return []
        return [ObjectKey.of(obj) for obj in self.automations if _source(obj) == change.key]


def _generation(obj: Object) -> int:
    return int(obj["metadata"].get("generation", 0))


def _source(automation: Object) -> ObjectKey:
    ref = (automation.get("spec") or {}).get("sourceRef") or {}
    return ObjectKey(ref.get("namespace") or automation["metadata"]["namespace"], ref.get("name", ""))
