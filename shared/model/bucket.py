"""Bucket of source.toolkit.fluxcd.io/v1: what users ask, and what is remembered.

Field by field as specs/source.md 12.1; `parse` trusts the CRD's schema and raises ValueError or KeyError on
what got past it.
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

_DEFAULT_TIMEOUT = "60s"


class BucketProvider(StrEnum):
    """Whose protocol is spoken, and where credentials come from when no Secret has any."""

    GENERIC = "generic"
    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"


class StsProvider(StrEnum):
    """Whose service gives short-lived keys."""

    AWS = "aws"
    LDAP = "ldap"


@dataclass(frozen=True, slots=True)
class Sts:
    """`secret` and `cert_secret` are names in the object's namespace."""

    provider: StsProvider
    endpoint: str
    secret: str
    cert_secret: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(
            StsProvider(raw["provider"]),
            raw["endpoint"],
            _name(raw, "secretRef"),
            _name(raw, "certSecretRef"),
        )


@dataclass(frozen=True, slots=True)
class Bucket:
    """Spec, and of the status what the next reconcile needs; secrets are names in the same namespace."""

    key: ObjectKey
    provider: BucketProvider
    bucket_name: str
    endpoint: str
    region: str
    prefix: str
    insecure: bool
    interval: timedelta
    timeout: timedelta
    ignore: str | None
    secret: str
    service_account: str
    cert_secret: str
    proxy_secret: str
    sts: Sts | None
    artifact: Artifact | None
    observed_ignore: str | None

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        spec, status = obj["spec"], obj.get("status") or {}
        sts, artifact = spec.get("sts"), status.get("artifact")
        return cls(
            key=ObjectKey.of(obj),
            provider=BucketProvider(spec.get("provider") or "generic"),
            bucket_name=spec["bucketName"],
            endpoint=spec["endpoint"],
            region=spec.get("region") or "",
            prefix=spec.get("prefix") or "",
            insecure=bool(spec.get("insecure")),
            interval=parse_duration(spec["interval"]),
            timeout=parse_duration(spec.get("timeout") or _DEFAULT_TIMEOUT),
            ignore=spec.get("ignore"),
            secret=_name(spec, "secretRef"),
            service_account=spec.get("serviceAccountName") or "",
            cert_secret=_name(spec, "certSecretRef"),
            proxy_secret=_name(spec, "proxySecretRef"),
            sts=None if sts is None else Sts.parse(sts),
            artifact=Artifact.parse(artifact) if artifact else None,
            observed_ignore=status.get("observedIgnore"),
        )


def _name(raw: Mapping[str, Any], field: str) -> str:
    return str((raw.get(field) or {}).get("name", ""))
