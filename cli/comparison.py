"""What an apply would change in the cluster, found by dry runs; nothing is written (specs/cli.md 8.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cli.masking import has_masks, with_live_values
from cli.yaml_report import report
from shared.kube.apply_errors import ObjectRefused, namespace_missing
from shared.kube.apply_object import Finding, ObjectApplier, Rules, Target
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import NotFound, UnknownKind
from shared.kube.parallel import each
from shared.kube.tracker import Tracker
from shared.logic.changes import Action
from shared.logic.ordering import Stage, plan_stages
from shared.logic.owner import metadata_map
from shared.model.kustomize import FIELD_MANAGER
from shared.model.meta import GroupKind, Object, ObjectKey, ObjectRef

_AT_ONCE = 8
_NOT_COMPARED = ("metadata", "status")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What would happen to one object: nothing without a `word`, and nobody knows with an `error`."""

    ref: ObjectRef
    word: str = ""
    detail: str = ""
    error: str = ""


@dataclass(slots=True)
class _Coming:
    """What an earlier object of the same set would bring: its users cannot be tried out before."""

    namespaces: set[str] = field(default_factory=set)
    kinds: set[GroupKind] = field(default_factory=set)

    def note(self, obj: Object) -> None:
        if obj["kind"] == "Namespace":
            self.namespaces.add(obj["metadata"]["name"])
        elif obj["kind"] == "CustomResourceDefinition":
            spec = obj.get("spec") or {}
            self.kinds.add(GroupKind(str(spec.get("group")), str((spec.get("names") or {}).get("kind"))))

    def explains(self, ref: ObjectRef, error: BaseException | None) -> bool:
        if isinstance(error, UnknownKind):
            return ref.group_kind in self.kinds
        return isinstance(error, NotFound) and ref.namespace in self.namespaces


class Comparison:
    """Compares with one cluster as one identity."""

    def __init__(self, client: KubeClient, rules: Rules) -> None:
        self._client = client
        self._discovery = Discovery(client)
        self._objects = ObjectApplier(client, Tracker(client), FIELD_MANAGER)
        self._rules = rules
        self._coming = _Coming()

    async def run(self, objects: Sequence[Object]) -> list[Verdict]:
        """One verdict for each object, in apply order. Raises ApiUnreachable."""
        verdicts: list[Verdict] = []
        for plan in plan_stages(objects):
            found = await each(list(plan.objects), self._look, at_once=_AT_ONCE)
            verdicts += found
            if plan.stage is Stage.DEFINITIONS:
                for obj, verdict in zip(plan.objects, found, strict=True):
                    if verdict.word == "created":
                        self._coming.note(obj)
        return verdicts

    async def _look(self, obj: Object) -> Verdict:
        ref = ObjectRef.of(obj)
        try:
            target = await self._target(ref, obj)
            finding = await self._objects.examine(target, self._rules)
            return await self._verdict(finding)
        except (ObjectRefused, UnknownKind, NotFound) as error:
            if self._coming.explains(ref, error if isinstance(error, UnknownKind) else error.__cause__):
                return Verdict(ref, "created")
            return Verdict(ref, error=str(error))

    async def _target(self, ref: ObjectRef, obj: Object) -> Target:
        resource = await self._discovery.resource_of(ref)
        key = ref.key
        if not resource.namespaced:
            metadata = {name: value for name, value in obj["metadata"].items() if name != "namespace"}
            obj, key = {**obj, "metadata": metadata}, ObjectKey("", ref.name)
        elif not ref.namespace:
            raise namespace_missing(ref)
        if has_masks(obj):
            live = await self._client.find(resource, key.namespace, key.name)
            obj = with_live_values(obj, live)
        return Target(ref, resource, key, obj, b"")

    async def _verdict(self, finding: Finding) -> Verdict:
        ref = finding.target.ref
        match finding.action:
            case Action.UNCHANGED:
                return Verdict(ref)
            case Action.CONFIGURED if finding.live is not None and finding.payload is not None:
                after = await self._client.apply(
                    finding.target.resource, finding.payload, field_manager=FIELD_MANAGER, dry_run=True
                )
                detail = report(*comparable(finding.live, after))
                return Verdict(ref, "drifted", detail) if detail else Verdict(ref)
            case Action.CREATED if finding.recreate:
                return Verdict(ref, "recreated")
            case action:
                return Verdict(ref, str(action))


def comparable(live: Object, after: Object) -> tuple[Object, Object]:
    """Both without what an apply does not decide. Of a Secret it is told that values differ, and no value."""
    pair = _content(live), _content(after)
    if live.get("kind") != "Secret":
        return pair
    old, new = (dict(side.get("data") or {}) for side in pair)
    hidden = (
        {key: _hidden(old, new, key, "before") for key in old},
        {key: _hidden(new, old, key, "after") for key in new},
    )
    return pair[0] | {"data": hidden[0]}, pair[1] | {"data": hidden[1]}


def _hidden(mine: Mapping[str, Any], other: Mapping[str, Any], key: str, when: str) -> str:
    return f"*** ({when})" if key in other and mine[key] != other[key] else "***"


def _content(obj: Object) -> Object:
    content = {key: value for key, value in obj.items() if key not in _NOT_COMPARED}
    words = {
        name: {key: value for key, value in metadata_map(obj, name).items() if key != _LAST_APPLIED}
        for name in ("labels", "annotations")
    }
    content["metadata"] = {name: values for name, values in words.items() if values}
    return content
