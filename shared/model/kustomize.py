"""Kustomization of kustomize.toolkit.fluxcd.io/v1: what a user asks for, and what is remembered.

Field by field as specs/kustomize.md 1; `parse` trusts the CRD's schema and raises ValueError or
KeyError on what got past it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

from shared.model.applying import CommonMetadata, Dependency, KubeConfigRef
from shared.model.duration import parse_duration
from shared.model.meta import ObjectKey, ObjectRef

GROUP = "kustomize.toolkit.fluxcd.io"
OWNER_NAME = f"{GROUP}/name"
OWNER_NAMESPACE = f"{GROUP}/namespace"
FIELD_MANAGER = "kustomize-controller"
STATUS_MANAGER = "gotk-kustomize-controller"

_SHORTEST_TIMEOUT = timedelta(seconds=30)
_SHORTEST_INTERVAL = timedelta(seconds=1)


class DeletionPolicy(StrEnum):
    MIRROR_PRUNE = "MirrorPrune"
    DELETE = "Delete"
    WAIT_FOR_TERMINATION = "WaitForTermination"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class SourceRef:
    kind: str
    name: str
    namespace: str
    namespace_given: bool

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, raw: Mapping[str, Any], namespace: str) -> Self:
        given = raw.get("namespace") or ""
        return cls(raw["kind"], raw["name"], given or namespace, bool(given))


@dataclass(frozen=True, slots=True)
class SubstituteFrom:
    kind: str
    name: str
    optional: bool


@dataclass(frozen=True, slots=True)
class PostBuild:
    """`always`: run the substitution even with no variables."""

    substitute: Mapping[str, str]
    substitute_from: tuple[SubstituteFrom, ...]
    always: bool

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(
            substitute=dict(raw.get("substitute") or {}),
            substitute_from=tuple(
                SubstituteFrom(item["kind"], item["name"], bool(item.get("optional")))
                for item in raw.get("substituteFrom") or ()
            ),
            always=raw.get("substituteStrategy") == "Always",
        )


@dataclass(frozen=True, slots=True)
class Decryption:
    provider: str
    secret: str
    service_account: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        secret = (raw.get("secretRef") or {}).get("name", "")
        return cls(raw["provider"], secret, raw.get("serviceAccountName") or "")


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """What the spec adds to the kustomization file, as kustomize spells it (specs/kustomize.md 5.2)."""

    target_namespace: str
    name_prefix: str
    name_suffix: str
    patches: tuple[Mapping[str, Any], ...]
    components: tuple[str, ...]
    ignore_missing_components: bool
    images: tuple[Mapping[str, Any], ...]
    build_metadata: tuple[str, ...]

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> Self:
        return cls(
            target_namespace=spec.get("targetNamespace") or "",
            name_prefix=spec.get("namePrefix") or "",
            name_suffix=spec.get("nameSuffix") or "",
            patches=tuple(spec.get("patches") or ()),
            components=tuple(spec.get("components") or ()),
            ignore_missing_components=bool(spec.get("ignoreMissingComponents")),
            images=tuple(spec.get("images") or ()),
            build_metadata=tuple(spec.get("buildMetadata") or ()),
        )


@dataclass(frozen=True, slots=True)
class Kustomization:
    """One Kustomization as reconcile sees it. Durations are timedeltas; `timeout` has its floor applied.

    `ignore` and `health_exprs` are the rules as they were written: logic/drift_ignore.py and
    logic/health_exprs.py compile them, and say what is wrong with them.
    """

    namespace: str
    name: str
    generation: int
    interval: timedelta
    retry_interval: timedelta
    timeout: timedelta
    source: SourceRef
    path: str
    prune: bool
    wait: bool
    force: bool
    suspend: bool
    deletion_policy: DeletionPolicy
    depends_on: tuple[Dependency, ...]
    build: BuildSpec
    common_metadata: CommonMetadata
    post_build: PostBuild | None
    decryption: Decryption | None
    ignore: tuple[Mapping[str, Any], ...]
    health_checks: tuple[ObjectRef, ...]
    health_exprs: tuple[Mapping[str, Any], ...]
    service_account: str
    kube_config: KubeConfigRef | None

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.namespace, self.name)

    @property
    def deletes_objects(self) -> bool:
        """Does deleting this Kustomization delete what it applied?"""
        match self.deletion_policy:
            case DeletionPolicy.ORPHAN:
                return False
            case DeletionPolicy.MIRROR_PRUNE:
                return self.prune
            case _:
                return True

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        meta, spec = obj["metadata"], obj["spec"]
        namespace = meta["namespace"]
        interval = max(parse_duration(spec["interval"]), _SHORTEST_INTERVAL)
        retry = spec.get("retryInterval")
        given = spec.get("timeout")
        timeout = parse_duration(given) if given else interval - timedelta(seconds=30)
        post_build, decryption = spec.get("postBuild"), spec.get("decryption")
        kube_config = spec.get("kubeConfig")
        return cls(
            namespace=namespace,
            name=meta["name"],
            generation=meta.get("generation", 0),
            interval=interval,
            retry_interval=max(parse_duration(retry), _SHORTEST_INTERVAL) if retry else interval,
            timeout=max(timeout, _SHORTEST_TIMEOUT),
            source=SourceRef.parse(spec["sourceRef"], namespace),
            path=spec.get("path") or "",
            prune=bool(spec["prune"]),
            wait=bool(spec.get("wait")),
            force=bool(spec.get("force")),
            suspend=bool(spec.get("suspend")),
            deletion_policy=DeletionPolicy(spec.get("deletionPolicy") or DeletionPolicy.MIRROR_PRUNE),
            depends_on=Dependency.parse_all(spec.get("dependsOn") or (), namespace),
            build=BuildSpec.parse(spec),
            common_metadata=CommonMetadata.parse(spec.get("commonMetadata") or {}),
            post_build=PostBuild.parse(post_build) if post_build else None,
            decryption=Decryption.parse(decryption) if decryption else None,
            ignore=tuple(spec.get("ignore") or ()),
            health_checks=tuple(_checked(item) for item in spec.get("healthChecks") or ()),
            health_exprs=tuple(spec.get("healthCheckExprs") or ()),
            service_account=spec.get("serviceAccountName") or "",
            kube_config=KubeConfigRef.parse(kube_config) if kube_config else None,
        )


def _checked(raw: Mapping[str, Any]) -> ObjectRef:
    # An empty apiVersion has always meant apps/v1 (specs/kustomize.md 1.1).
    return ObjectRef(raw.get("apiVersion") or "apps/v1", raw["kind"], raw.get("namespace") or "", raw["name"])
