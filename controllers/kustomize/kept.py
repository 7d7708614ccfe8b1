"""The last build of a Kustomization, kept small in memory, so that drift is repaired without a new one.

In memory only, since it may hold decrypted secrets.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Self

import orjson

from controllers.kustomize.post_build import Manifests

_FASTEST = 1
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class KeptManifests:
    """Compressed JSON of what a build gave, and its digest."""

    _packed: bytes
    digest: str

    @classmethod
    def of(cls, manifests: Manifests) -> Self | None:
        """None when it is too large to keep."""
        packed = zlib.compress(orjson.dumps(manifests.objects), _FASTEST)
        return cls(packed, manifests.digest) if len(packed) <= _MAX_BYTES else None

    def unpacked(self) -> Manifests:
        return Manifests(orjson.loads(zlib.decompress(self._packed)), self.digest)
