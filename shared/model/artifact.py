"""What a source hands to its consumers: a tarball's address and identity (specs/source.md 1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Artifact:
    """`digest` is `<algorithm>:<hex>` of the served bytes; `size` is in bytes; `last_update` is RFC 3339."""

    url: str
    path: str
    revision: str
    digest: str
    last_update: str = ""
    size: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(
            url=raw["url"],
            path=raw["path"],
            revision=raw["revision"],
            digest=raw.get("digest", ""),
            last_update=raw.get("lastUpdateTime", ""),
            size=raw.get("size"),
            metadata=dict(raw.get("metadata") or {}),
        )

    def render(self) -> dict[str, Any]:
        raw: dict[str, Any] = {
            "url": self.url,
            "path": self.path,
            "revision": self.revision,
            "digest": self.digest,
            "lastUpdateTime": self.last_update,
        }
        if self.size is not None:
            raw["size"] = self.size
        if self.metadata:
            raw["metadata"] = dict(self.metadata)
        return raw


def artifact_of(obj: Mapping[str, Any]) -> Artifact | None:
    """The artifact in a source's status, or None where there is none yet."""
    raw = (obj.get("status") or {}).get("artifact")
    return Artifact.parse(raw) if raw else None
