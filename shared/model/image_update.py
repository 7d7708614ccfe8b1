"""ImageUpdateAutomation of image.toolkit.fluxcd.io/v1: policies' images written back to git.

Field by field as specs/image.md 10; `parse` trusts the CRD's schema and raises ValueError or KeyError on
what got past it. What the schema leaves open and a reconcile must judge is kept as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from shared.model.duration import parse_duration
from shared.model.image import ImageRef
from shared.model.meta import ObjectKey
from shared.model.source import GitReference

AUTOMATION_MANAGER = "image-automation-controller"

DEFAULT_MESSAGE = "Update from image update automation"
SETTERS = "Setters"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`type` is `gpg` or `ssh`; the secret is in the automation's namespace."""

    secret: str
    type: str = "gpg"

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(raw["secretRef"]["name"], raw.get("type") or "gpg")


@dataclass(frozen=True, slots=True)
class CommitSpec:
    """Who commits, and with which message; `template` is Go's text/template."""

    author_name: str
    author_email: str
    signing_key: SigningKey | None
    template: str
    values: Mapping[str, str]

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        author, key = raw["author"], raw.get("signingKey")
        return cls(
            author_name=author.get("name") or "",
            author_email=author["email"],
            signing_key=None if key is None else SigningKey.parse(key),
            template=raw.get("messageTemplate") or DEFAULT_MESSAGE,
            values=dict(raw.get("messageTemplateValues") or {}),
        )


@dataclass(frozen=True, slots=True)
class PushSpec:
    """Where commits go; what is empty was not given."""

    branch: str = ""
    refspec: str = ""
    options: Mapping[str, str] | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(raw.get("branch") or "", raw.get("refspec") or "", raw.get("options"))


@dataclass(frozen=True, slots=True)
class GitSpec:
    """`checkout` None takes the reference of the GitRepository; `push` None pushes where it checked out."""

    checkout: GitReference | None
    commit: CommitSpec
    push: PushSpec | None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        checkout, push = raw.get("checkout"), raw.get("push")
        return cls(
            checkout=None if checkout is None else GitReference.parse(checkout["ref"]),
            commit=CommitSpec.parse(raw["commit"]),
            push=None if push is None else PushSpec.parse(push),
        )


@dataclass(frozen=True, slots=True)
class UpdateSpec:
    """`path` is relative to the root of the repository, which is also meant where it is empty."""

    strategy: str = SETTERS
    path: str = ""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(raw.get("strategy") or SETTERS, raw.get("path") or "")


@dataclass(frozen=True, slots=True)
class ImageUpdateAutomation:
    """Spec, and of the status what the next reconcile needs; `observed_policies` go by name."""

    key: ObjectKey
    interval: timedelta
    source_kind: str
    source: ObjectKey
    git: GitSpec | None
    policy_selector: Mapping[str, Any] | None
    update: UpdateSpec
    observed_policies: Mapping[str, ImageRef]
    observed_source_revision: str

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        key, spec, status = ObjectKey.of(obj), obj["spec"], obj.get("status") or {}
        source, git = spec["sourceRef"], spec.get("git")
        observed = status.get("observedPolicies") or {}
        return cls(
            key=key,
            interval=parse_duration(spec["interval"]),
            source_kind=source.get("kind") or "GitRepository",
            source=ObjectKey(source.get("namespace") or key.namespace, source["name"]),
            git=None if git is None else GitSpec.parse(git),
            policy_selector=spec.get("policySelector"),
            update=UpdateSpec.parse(spec.get("update") or {}),
            observed_policies={name: ImageRef.parse(raw) for name, raw in observed.items()},
            observed_source_revision=status.get("observedSourceRevision") or "",
        )
