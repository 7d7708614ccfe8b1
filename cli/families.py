"""The kinds that commands are about, and the words for them (specs/cli.md 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.model.kinds import BUCKET, GIT_REPOSITORY, KUSTOMIZATION, OCI_REPOSITORY, Resource

_NO_CONDITION = "waiting to be reconciled"


@dataclass(frozen=True, slots=True)
class Family:
    """`human` is what texts call it; `done` is the verb of its success."""

    resource: Resource
    human: str
    done: str

    @property
    def kind(self) -> str:
        return self.resource.kind

    def revision(self, obj: Mapping[str, Any]) -> str:
        """The revision that the object is at; empty when it has none yet."""
        status = obj.get("status") or {}
        if self.resource is KUSTOMIZATION:
            return str(status.get("lastAppliedRevision") or "")
        return str((status.get("artifact") or {}).get("revision") or "")

    def success(self, obj: Mapping[str, Any]) -> str:
        return f"{self.done} revision {self.revision(obj)}"


GIT = Family(GIT_REPOSITORY, "source git", "fetched")
OCI = Family(OCI_REPOSITORY, "source oci", "fetched")
BUCKETS = Family(BUCKET, "source bucket", "fetched")
KUSTOMIZATIONS = Family(KUSTOMIZATION, "kustomization", "applied")

SOURCES = (OCI, BUCKETS, GIT)
"""In the order of `get sources all`."""
ALL = (*SOURCES, KUSTOMIZATIONS)


def source_family(kind: str) -> Family | None:
    """The family of a source that a Kustomization refers to."""
    return next((family for family in SOURCES if family.kind == kind), None)


def condition(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((item for item in conditions if str(item.get("type")).lower() == kind.lower()), None)


def readiness(obj: Mapping[str, Any]) -> tuple[str, str]:
    """The columns READY and MESSAGE."""
    ready = condition(obj, "Ready")
    if ready is None:
        return "False", _NO_CONDITION
    return str(ready.get("status") or ""), str(ready.get("message") or "")


def is_suspended(obj: Mapping[str, Any]) -> bool:
    return bool((obj.get("spec") or {}).get("suspend"))
