"""ImageRepository and ImagePolicy of image.toolkit.fluxcd.io/v1, and what they say of an image.

Field by field as specs/image.md 3 and 7; ImageUpdateAutomation is in shared.model.image_update. `parse`
trusts the CRD's schema and raises ValueError or KeyError on what got past it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from shared.model.duration import parse_duration
from shared.model.meta import ObjectKey, parse_time, render_time

GROUP = "image.toolkit.fluxcd.io"

REFLECTOR_MANAGER = "image-reflector-controller"
"""Who writes the status of ImageRepositories and ImagePolicies, in Flux and so here."""

DEFAULT_EXCLUSIONS = (r"^.*\.sig$",)
_SHORTEST_TIMEOUT = timedelta(seconds=1)
# Where nobody says how long, a registry that trickles must not hold a worker for an interval of hours.
_LONGEST_DEFAULT_TIMEOUT = timedelta(minutes=10)


class ImageProvider(StrEnum):
    """Where credentials for a registry come from."""

    GENERIC = "generic"
    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"


class DigestPolicy(StrEnum):
    """When the digest of the chosen tag is asked for."""

    NEVER = "Never"
    IF_NOT_PRESENT = "IfNotPresent"
    ALWAYS = "Always"


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image as a policy chose it; `name` is spelled as in the ImageRepository, `digest` may be empty."""

    name: str
    tag: str
    digest: str = ""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(raw["name"], raw["tag"], raw.get("digest") or "")

    def render(self) -> dict[str, Any]:
        raw = {"name": self.name, "tag": self.tag}
        return raw | {"digest": self.digest} if self.digest else raw

    def __str__(self) -> str:
        """As in a manifest: `name:tag`, with `@digest` where there is one."""
        return f"{self.name}:{self.tag}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What the last scan found; `latest_tags` are the first of the descending list, not the newest."""

    revision: str
    tag_count: int
    scan_time: datetime
    latest_tags: tuple[str, ...] = ()

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(
            revision=raw.get("revision") or "",
            tag_count=raw["tagCount"],
            scan_time=parse_time(raw.get("scanTime") or ""),
            latest_tags=tuple(raw.get("latestTags") or ()),
        )

    def render(self) -> dict[str, Any]:
        raw: dict[str, Any] = {
            "revision": self.revision,
            "tagCount": self.tag_count,
            "scanTime": render_time(self.scan_time),
        }
        return raw | {"latestTags": list(self.latest_tags)} if self.latest_tags else raw


@dataclass(frozen=True, slots=True)
class ImageRepository:
    """Spec, and of the status what the next reconcile needs; secrets are names in the same namespace.

    `access_from` holds the labels of namespaces whose policies may refer to it, one mapping sufficing;
    None allows its own namespace alone. `exclusions` are those in effect, the default included.
    """

    key: ObjectKey
    image: str
    interval: timedelta
    timeout: timedelta
    provider: ImageProvider
    secret: str
    proxy_secret: str
    cert_secret: str
    service_account: str
    insecure: bool
    access_from: tuple[Mapping[str, str], ...] | None
    exclusions: tuple[str, ...]
    canonical_name: str
    last_scan: ScanResult | None
    observed_exclusions: tuple[str, ...]

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        spec, status = obj["spec"], obj.get("status") or {}
        interval = parse_duration(spec["interval"])
        given = spec.get("timeout")
        timeout = parse_duration(given) if given else min(interval, _LONGEST_DEFAULT_TIMEOUT)
        access, scan = spec.get("accessFrom"), status.get("lastScanResult")
        return cls(
            key=ObjectKey.of(obj),
            image=spec["image"],
            interval=interval,
            timeout=max(timeout, _SHORTEST_TIMEOUT),
            provider=ImageProvider(spec.get("provider") or "generic"),
            secret=_name(spec, "secretRef"),
            proxy_secret=_name(spec, "proxySecretRef"),
            cert_secret=_name(spec, "certSecretRef"),
            service_account=spec.get("serviceAccountName") or "",
            insecure=bool(spec.get("insecure")),
            access_from=None if access is None else _label_sets(access),
            exclusions=tuple(spec.get("exclusionList") or ()) or DEFAULT_EXCLUSIONS,
            canonical_name=status.get("canonicalImageName") or "",
            last_scan=None if scan is None else ScanResult.parse(scan),
            observed_exclusions=tuple(status.get("observedExclusionList") or ()),
        )


@dataclass(frozen=True, slots=True)
class TagFilter:
    """A regular expression for tags, and a template for the part of them that is compared."""

    pattern: str = ""
    extract: str = ""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(raw.get("pattern") or "", raw.get("extract") or "")


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """How the latest tag is chosen: a range, or an order; None where a way was not asked for.

    The schema allows several at once; the first of these fields that is given counts.
    """

    semver: str | None = None
    alphabetical: str | None = None
    numerical: str | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        semver = raw.get("semver")
        return cls(
            None if semver is None else semver["range"],
            _order(raw.get("alphabetical")),
            _order(raw.get("numerical")),
        )


@dataclass(frozen=True, slots=True)
class ImagePolicy:
    """Spec, and of the status what the next reconcile needs; `interval` is for digests alone."""

    key: ObjectKey
    repository: ObjectKey
    rule: PolicyRule
    filter: TagFilter | None
    digest_policy: DigestPolicy
    interval: timedelta | None
    latest: ImageRef | None
    previous: ImageRef | None

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        key, spec, status = ObjectKey.of(obj), obj["spec"], obj.get("status") or {}
        ref, interval = spec["imageRepositoryRef"], spec.get("interval")
        filter_tags = spec.get("filterTags")
        latest, previous = status.get("latestRef"), status.get("observedPreviousRef")
        return cls(
            key=key,
            repository=ObjectKey(ref.get("namespace") or key.namespace, ref["name"]),
            rule=PolicyRule.parse(spec["policy"]),
            filter=None if filter_tags is None else TagFilter.parse(filter_tags),
            digest_policy=DigestPolicy(spec.get("digestReflectionPolicy") or "Never"),
            interval=parse_duration(interval) if interval else None,
            latest=None if latest is None else ImageRef.parse(latest),
            previous=None if previous is None else ImageRef.parse(previous),
        )


def _name(spec: Mapping[str, Any], field: str) -> str:
    return (spec.get(field) or {}).get("name") or ""


def _label_sets(access: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    return tuple(selector.get("matchLabels") or {} for selector in access.get("namespaceSelectors") or ())


def _order(raw: Mapping[str, Any] | None) -> str | None:
    return None if raw is None else raw.get("order") or "asc"
