"""GitRepository and OCIRepository of source.toolkit.fluxcd.io/v1: what users ask, and what is remembered.

Field by field as specs/source.md 8.1, 8.2 and 9.1; `parse` trusts the CRD's schema and raises ValueError or
KeyError on what got past it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

from shared.model.artifact import Artifact
from shared.model.duration import parse_duration
from shared.model.meta import ObjectKey

GROUP = "source.toolkit.fluxcd.io"
FIELD_MANAGER = "source-controller"

DEFAULT_BRANCH = "master"
_DEFAULT_TIMEOUT = "60s"


class GitProvider(StrEnum):
    """Where credentials come from."""

    GENERIC = "generic"
    AWS = "aws"
    AZURE = "azure"
    GITHUB = "github"


class VerificationMode(StrEnum):
    """Which signatures are checked."""

    HEAD = "HEAD"
    TAG = "Tag"
    TAG_AND_HEAD = "TagAndHEAD"

    @classmethod
    def parse(cls, text: str) -> VerificationMode:
        return cls.HEAD if text == "head" else cls(text)


@dataclass(frozen=True, slots=True)
class Verification:
    mode: VerificationMode
    secret: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(VerificationMode.parse(raw.get("mode") or "HEAD"), raw["secretRef"]["name"])


@dataclass(frozen=True, slots=True)
class GitReference:
    """Empty fields were not given; see shared.git.reference for their precedence."""

    branch: str = ""
    tag: str = ""
    semver: str = ""
    name: str = ""
    commit: str = ""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(*(raw.get(field) or "" for field in ("branch", "tag", "semver", "name", "commit")))


@dataclass(frozen=True, slots=True)
class Include:
    """Content of another GitRepository of the same namespace, moved to `to_path`."""

    repository: str
    from_path: str
    to_path: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(raw["repository"]["name"], raw.get("fromPath") or "", raw.get("toPath") or "")

    @property
    def target(self) -> str:
        """`to_path`, or else the name of the repository."""
        return self.to_path or self.repository

    def render(self) -> dict[str, Any]:
        raw: dict[str, Any] = {"repository": {"name": self.repository}}
        if self.from_path:
            raw["fromPath"] = self.from_path
        if self.to_path:
            raw["toPath"] = self.to_path
        return raw


@dataclass(frozen=True, slots=True)
class ContentConfig:
    """What decides, beside the commit, which bytes an artifact has; `ignore` None differs from empty."""

    ignore: str | None = None
    recurse_submodules: bool = False
    include: tuple[Include, ...] = ()
    sparse_checkout: tuple[str, ...] = ()

    @classmethod
    def of_spec(cls, spec: Mapping[str, Any]) -> Self:
        return cls(
            spec.get("ignore"),
            bool(spec.get("recurseSubmodules")),
            tuple(Include.parse(item) for item in spec.get("include") or ()),
            tuple(spec.get("sparseCheckout") or ()),
        )

    @classmethod
    def of_status(cls, status: Mapping[str, Any]) -> Self:
        return cls(
            status.get("observedIgnore"),
            bool(status.get("observedRecurseSubmodules")),
            tuple(Include.parse(item) for item in status.get("observedInclude") or ()),
            tuple(status.get("observedSparseCheckout") or ()),
        )

    def render_observed(self) -> dict[str, Any]:
        """The status fields; what is absent must be removed there."""
        raw: dict[str, Any] = {}
        if self.ignore is not None:
            raw["observedIgnore"] = self.ignore
        if self.recurse_submodules:
            raw["observedRecurseSubmodules"] = True
        if self.include:
            raw["observedInclude"] = [item.render() for item in self.include]
        if self.sparse_checkout:
            raw["observedSparseCheckout"] = list(self.sparse_checkout)
        return raw


OBSERVED_FIELDS = ("observedIgnore", "observedRecurseSubmodules", "observedInclude", "observedSparseCheckout")


@dataclass(frozen=True, slots=True)
class GitRepository:
    """Spec, and of the status what the next reconcile needs; secrets are names in the same namespace."""

    key: ObjectKey
    url: str
    interval: timedelta
    timeout: timedelta
    reference: GitReference
    content: ContentConfig
    provider: GitProvider
    secret: str
    proxy_secret: str
    service_account: str
    verification: Verification | None
    artifact: Artifact | None
    included_artifacts: tuple[Artifact, ...]
    observed: ContentConfig
    verified_mode: VerificationMode | None

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        spec, status = obj["spec"], obj.get("status") or {}
        verify = spec.get("verify")
        verified = status.get("sourceVerificationMode")
        artifact = status.get("artifact")
        return cls(
            key=ObjectKey.of(obj),
            url=spec["url"],
            interval=parse_duration(spec["interval"]),
            timeout=parse_duration(spec.get("timeout") or _DEFAULT_TIMEOUT),
            reference=GitReference.parse(spec.get("ref") or {}),
            content=ContentConfig.of_spec(spec),
            provider=GitProvider(spec.get("provider") or "generic"),
            secret=(spec.get("secretRef") or {}).get("name", ""),
            proxy_secret=(spec.get("proxySecretRef") or {}).get("name", ""),
            service_account=spec.get("serviceAccountName") or "",
            verification=Verification.parse(verify) if verify else None,
            artifact=Artifact.parse(artifact) if artifact else None,
            included_artifacts=tuple(Artifact.parse(item) for item in status.get("includedArtifacts") or ()),
            observed=ContentConfig.of_status(status),
            verified_mode=VerificationMode.parse(verified) if verified else None,
        )


class OciProvider(StrEnum):
    """Where credentials for a registry come from when no Secret has any."""

    GENERIC = "generic"
    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"


class LayerOperation(StrEnum):
    """Whether a layer is unpacked, or published as it is."""

    EXTRACT = "extract"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class LayerSelector:
    """Which layer, and what to do with it; without a media type the first."""

    media_type: str = ""
    operation: LayerOperation = LayerOperation.EXTRACT

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(raw.get("mediaType") or "", LayerOperation(raw.get("operation") or "extract"))

    def render(self) -> dict[str, Any]:
        raw: dict[str, Any] = {"operation": str(self.operation)}
        return raw | {"mediaType": self.media_type} if self.media_type else raw


@dataclass(frozen=True, slots=True)
class OciReference:
    """Digest beats semver beats tag; the tag `latest` where all are empty."""

    digest: str = ""
    semver: str = ""
    semver_filter: str = ""
    tag: str = ""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(*(raw.get(field) or "" for field in ("digest", "semver", "semverFilter", "tag")))


@dataclass(frozen=True, slots=True)
class OciContent:
    """What decides, beside the revision, which bytes an artifact has; absent differs from empty."""

    ignore: str | None = None
    layer: LayerSelector | None = None

    @classmethod
    def of_spec(cls, spec: Mapping[str, Any]) -> Self:
        layer = spec.get("layerSelector")
        return cls(spec.get("ignore"), None if layer is None else LayerSelector.parse(layer))

    @classmethod
    def of_status(cls, status: Mapping[str, Any]) -> Self:
        layer = status.get("observedLayerSelector")
        return cls(status.get("observedIgnore"), None if layer is None else LayerSelector.parse(layer))

    def render_observed(self) -> dict[str, Any]:
        """The status fields; what is absent must be removed there."""
        raw: dict[str, Any] = {}
        if self.ignore is not None:
            raw["observedIgnore"] = self.ignore
        if self.layer is not None:
            raw["observedLayerSelector"] = self.layer.render()
        return raw


OCI_OBSERVED_FIELDS = ("observedIgnore", "observedLayerSelector")


class OciVerifier(StrEnum):
    """Whose signatures are checked."""

    COSIGN = "cosign"
    NOTATION = "notation"


@dataclass(frozen=True, slots=True)
class OciVerification:
    """`identities` are (issuer, subject) patterns of keyless signatures."""

    provider: OciVerifier
    secret: str
    identities: tuple[tuple[str, str], ...]
    trusted_root_secret: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        identities = raw.get("matchOIDCIdentity") or ()
        return cls(
            OciVerifier(raw.get("provider") or "cosign"),
            (raw.get("secretRef") or {}).get("name", ""),
            tuple((each["issuer"], each["subject"]) for each in identities),
            (raw.get("trustedRootSecretRef") or {}).get("name", ""),
        )


@dataclass(frozen=True, slots=True)
class OciRepository:
    """Spec, and of the status what the next reconcile needs; secrets are names in the same namespace."""

    key: ObjectKey
    url: str
    interval: timedelta
    timeout: timedelta
    reference: OciReference
    content: OciContent
    provider: OciProvider
    secret: str
    service_account: str
    cert_secret: str
    proxy_secret: str
    insecure: bool
    verification: OciVerification | None
    artifact: Artifact | None
    observed: OciContent

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        spec, status = obj["spec"], obj.get("status") or {}
        verify, artifact = spec.get("verify"), status.get("artifact")
        return cls(
            key=ObjectKey.of(obj),
            url=spec["url"],
            interval=parse_duration(spec["interval"]),
            timeout=parse_duration(spec.get("timeout") or _DEFAULT_TIMEOUT),
            reference=OciReference.parse(spec.get("ref") or {}),
            content=OciContent.of_spec(spec),
            provider=OciProvider(spec.get("provider") or "generic"),
            secret=(spec.get("secretRef") or {}).get("name", ""),
            service_account=spec.get("serviceAccountName") or "",
            cert_secret=(spec.get("certSecretRef") or {}).get("name", ""),
            proxy_secret=(spec.get("proxySecretRef") or {}).get("name", ""),
            insecure=bool(spec.get("insecure")),
            verification=None if verify is None else OciVerification.parse(verify),
            artifact=Artifact.parse(artifact) if artifact else None,
            observed=OciContent.of_status(status),
        )
