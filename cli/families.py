"""The kinds that commands are about, and the words for them (specs/cli.md 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.model.kinds import (
    ALERT,
    ARTIFACT_GENERATOR,
    BUCKET,
    EXTERNAL_ARTIFACT,
    GIT_REPOSITORY,
    HELM_CHART,
    HELM_RELEASE,
    HELM_REPOSITORY,
    IMAGE_POLICY,
    IMAGE_REPOSITORY,
    IMAGE_UPDATE_AUTOMATION,
    KUSTOMIZATION,
    OCI_REPOSITORY,
    PROVIDER,
    RECEIVER,
    Resource,
)

_NO_CONDITION = "waiting to be reconciled"
RECONCILE = "source.extensions.fluxcd.io/reconcile"
"""`disabled` suspends an ArtifactGenerator, which has no spec.suspend."""


@dataclass(frozen=True, slots=True)
class Family:
    """One kind and its words.

    `human` is what texts call it; commands are `VERB [group] word`, and `shown` is the word under `get`.
    """

    resource: Resource
    human: str
    group: str
    word: str
    shown: str
    aliases: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return self.resource.kind

    @property
    def plural(self) -> str:
        """As help texts say it."""
        return f"{self.kind[:-1]}ies" if self.kind.endswith("y") else f"{self.kind}s"

    def revision(self, obj: Mapping[str, Any]) -> str:
        """The revision that the object is at; empty when it has none yet."""
        status = obj.get("status") or {}
        if self.resource is KUSTOMIZATION:
            return str(status.get("lastAppliedRevision") or "")
        if self.resource is HELM_RELEASE:
            history = status.get("history") or [{}]
            return str(history[0].get("chartVersion") or status.get("lastAttemptedRevision") or "")
        return str((status.get("artifact") or {}).get("revision") or "")


def _source(resource: Resource, word: str) -> Family:
    human = "source external-artifact" if resource is EXTERNAL_ARTIFACT else f"source {word}"
    return Family(resource, human, "source", word, word)


def _image(resource: Resource, word: str, human: str) -> Family:
    return Family(resource, human, "image", word, word)


GIT = _source(GIT_REPOSITORY, "git")
OCI = _source(OCI_REPOSITORY, "oci")
BUCKETS = _source(BUCKET, "bucket")
HELM = _source(HELM_REPOSITORY, "helm")
CHART = _source(HELM_CHART, "chart")
EXTERNAL = _source(EXTERNAL_ARTIFACT, "external")
KUSTOMIZATIONS = Family(KUSTOMIZATION, "kustomization", "", "kustomization", "kustomizations", ("ks",))
HELM_RELEASES = Family(HELM_RELEASE, "helmrelease", "", "helmrelease", "helmreleases", ("hr",))
IMAGE_REPOSITORIES = _image(IMAGE_REPOSITORY, "repository", "image repository")
IMAGE_POLICIES = _image(IMAGE_POLICY, "policy", "image policy")
IMAGE_UPDATES = _image(IMAGE_UPDATE_AUTOMATION, "update", "image update automation")
ALERTS = Family(ALERT, "alert", "", "alert", "alerts")
PROVIDERS = Family(PROVIDER, "alert provider", "", "alert-provider", "alert-providers")
RECEIVERS = Family(RECEIVER, "receiver", "", "receiver", "receivers")
GENERATORS = Family(
    ARTIFACT_GENERATOR, "artifactgenerator", "artifact", "generator", "generators", ("generator",)
)

SOURCES = (OCI, BUCKETS, GIT, HELM, CHART, EXTERNAL)
IMAGES = (IMAGE_REPOSITORIES, IMAGE_POLICIES, IMAGE_UPDATES)
"""Both in the order of `get sources all` and `get images all`."""
ALL = (*SOURCES, *IMAGES, HELM_RELEASES, KUSTOMIZATIONS, RECEIVERS, PROVIDERS, ALERTS)
EVERY = (*ALL, GENERATORS)


def family_of(kind: str) -> Family | None:
    """By the name of the kind as the API spells it."""
    return next((family for family in EVERY if family.kind == kind), None)


def source_family(kind: str) -> Family | None:
    """The family of a source that a Kustomization refers to."""
    return next((family for family in (OCI, GIT, BUCKETS) if family.kind == kind), None)


def is_static(obj: Mapping[str, Any]) -> bool:
    """No controller works on it, so there is nothing to wait for."""
    if obj.get("kind") == HELM_REPOSITORY.kind:
        return bool((obj.get("spec") or {}).get("type") == "oci")
    return obj.get("kind") in (ALERT.kind, PROVIDER.kind)


def condition(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((item for item in conditions if str(item.get("type")).lower() == kind.lower()), None)


def readiness(obj: Mapping[str, Any]) -> tuple[str, str]:
    """The columns READY and MESSAGE."""
    if is_static(obj):
        kind = str(obj.get("kind"))
        return "True", "Helm repository is Ready" if kind == HELM_REPOSITORY.kind else f"{kind} is Ready"
    ready = condition(obj, "Ready")
    if ready is None:
        return "False", _NO_CONDITION
    return str(ready.get("status") or ""), str(ready.get("message") or "")


def is_suspended(obj: Mapping[str, Any]) -> bool:
    if obj.get("kind") == ARTIFACT_GENERATOR.kind:
        annotations = (obj.get("metadata") or {}).get("annotations") or {}
        return str(annotations.get(RECONCILE, "")).lower() == "disabled"
    return bool((obj.get("spec") or {}).get("suspend"))
