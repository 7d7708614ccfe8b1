"""In which order objects are applied and deleted (specs/kustomize.md 8.2, 8.3, 10).

Definitions go before what they define, what others refer to before what refers to it, and webhooks,
which can block everything else, last. Deletion runs the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import IntEnum

from shared.model.meta import GroupKind, Object, ObjectRef

_FIRST = (
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
)
_LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_MIDDLE = len(_FIRST)
_RANKS = {kind: rank for rank, kind in enumerate(_FIRST)} | {
    kind: _MIDDLE + 1 + rank for rank, kind in enumerate(_LAST)
}

SortKey = tuple[int, str, str, str, str]


class Stage(IntEnum):
    """What is applied together; the first two must be ready before the next one starts."""

    DEFINITIONS = 1
    CLASSES = 2
    CUSTOM = 3
    REST = 4

    @property
    def must_be_ready(self) -> bool:
        return self <= Stage.CLASSES


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage and its objects in apply order; never empty."""

    stage: Stage
    objects: tuple[Object, ...]


def sort_key(ref: ObjectRef) -> SortKey:
    """Kind rank (by name alone), then group, kind, namespace, name."""
    return _RANKS.get(ref.kind, _MIDDLE), ref.group, ref.kind, ref.namespace, ref.name


def in_apply_order(objects: Iterable[Object]) -> list[Object]:
    return sorted(objects, key=lambda obj: sort_key(ObjectRef.of(obj)))


def in_deletion_order(refs: Iterable[ObjectRef]) -> list[ObjectRef]:
    return sorted(refs, key=sort_key, reverse=True)


def stage_of(kind: GroupKind, custom: AbstractSet[GroupKind] = frozenset()) -> Stage:
    """The stage of a kind; `custom` are the kinds of the flag --custom-apply-stage-kinds."""
    if kind in _DEFINITIONS:
        return Stage.DEFINITIONS
    if kind.kind.endswith("Class"):
        return Stage.CLASSES
    return Stage.CUSTOM if kind in custom else Stage.REST


_DEFINITIONS = frozenset(
    {
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"),
        GroupKind("", "Namespace"),
        GroupKind("rbac.authorization.k8s.io", "ClusterRole"),
    }
)


def plan_stages(objects: Iterable[Object], custom: AbstractSet[GroupKind] = frozenset()) -> list[StagePlan]:
    """Divide objects into stages; stages without objects are left out."""
    stages: dict[Stage, list[Object]] = {stage: [] for stage in Stage}
    for obj in in_apply_order(objects):
        stages[stage_of(ObjectRef.of(obj).group_kind, custom)].append(obj)
    return [StagePlan(stage, tuple(members)) for stage, members in stages.items() if members]


class InvalidKindName(ValueError):
    """The text is not `Group/Kind`."""


def parse_group_kind(text: str) -> GroupKind:
    """Read `apps/Deployment` or, for the core group, `ConfigMap`. Raises InvalidKindName."""
    group, _, kind = text.strip().rpartition("/")
    if not kind or "/" in group:
        raise InvalidKindName(f"invalid kind {text!r}: write it like Group/Kind")
    return GroupKind(group, kind)
