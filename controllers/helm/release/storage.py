"""The records of one release, in Secrets (specs/helm.md 20.1).

Which revisions there are is read from labels, so that a long history with large charts costs little;
a record is read whole only when it is needed.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from controllers.helm.release.encoding import (
    OWNER,
    SECRET_TYPE,
    SYSTEM_LABELS,
    decode,
    encode,
    secret_name,
)
from controllers.helm.release.record import Release, Status
from shared.kube.client import KubeClient
from shared.kube.errors import NotFound
from shared.model.kinds import SECRET
from shared.model.meta import Object

Observer = Callable[[Release], None]
# Digits of a revision.
_LONGEST_NUMBER = 9


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """A revision without its content."""

    version: int
    status: Status
    secret: str


def _nobody(_release: Release) -> None:
    pass


class Storage:
    """The revisions of release `name`, in the Secrets of `namespace`, with the client's identity.

    `on_write` is told of every record that was created or updated. All calls raise KubeError.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        name: str,
        *,
        on_write: Observer = _nobody,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.namespace = namespace
        self.name = name
        self._client = client
        self._on_write = on_write
        self._clock = clock

    async def history(self) -> list[Head]:
        """All revisions, oldest first. One request, of metadata only."""
        listing = await self._client.list(
            SECRET,
            self.namespace,
            label_selector=f"name={self.name},owner={OWNER}",
            metadata_only=True,
        )
        heads = (_head(item, self.name) for item in listing.items)
        return sorted(head for head in heads if head is not None)

    async def get(self, version: int) -> Release | None:
        """Raises CorruptRelease."""
        secret = await self._client.find(SECRET, self.namespace, secret_name(self.name, version))
        if secret is None:
            return None
        return await asyncio.to_thread(decode, secret)

    async def last(self) -> Release | None:
        """The newest revision, whatever its status. Raises CorruptRelease."""
        heads = await self.history()
        return await self.get(heads[-1].version) if heads else None

    async def deployed(self) -> Release | None:
        """The newest revision that is deployed. Raises CorruptRelease."""
        versions = _deployed(await self.history())
        return await self.get(versions[-1]) if versions else None

    async def create(self, release: Release, *, max_history: int = 0) -> None:
        """Store a new revision; make room for it first, so that `max_history` are left (0: all).

        Raises ReleaseTooBig, and Conflict when the revision is there already.
        """
        secret = await self._secret(release, "createdAt")
        if max_history > 0:
            await self.prune(max_history - 1)
        await self._client.create(SECRET, secret)
        self._on_write(release)

    async def update(self, release: Release) -> None:
        """Replace a revision. Raises ReleaseTooBig, and NotFound when it is gone."""
        await self._client.update(SECRET, await self._secret(release, "modifiedAt"))
        self._on_write(release)

    async def delete(self, version: int) -> None:
        """Absence is no error."""
        await self._remove(secret_name(self.name, version))

    async def purge(self) -> None:
        """Forget the release: delete every revision, the corrupt ones too."""
        for head in await self.history():
            await self._remove(head.secret)

    async def prune(self, keep: int) -> None:
        """Delete the oldest revisions until `keep` are left, but never the deployed one."""
        heads = await self.history()
        for head in stale(heads, keep):
            await self._remove(head.secret)

    async def _remove(self, secret: str) -> None:
        try:
            await self._client.delete(SECRET, self.namespace, secret)
        except NotFound:
            return

    async def _secret(self, release: Release, stamp: str) -> Object:
        text = await asyncio.to_thread(encode, release)
        custom = {key: value for key, value in release.labels.items() if key not in SYSTEM_LABELS}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": secret_name(release.name, release.version),
                "namespace": self.namespace,
                "labels": custom
                | {
                    "name": release.name,
                    "owner": OWNER,
                    "status": release.status.value,
                    "version": str(release.version),
                    stamp: str(int(self._clock().timestamp())),
                },
            },
            "type": SECRET_TYPE,
            "data": {"release": base64.b64encode(text.encode()).decode()},
        }


def stale(heads: Iterable[Head], keep: int) -> list[Head]:
    """Which revisions go so that `keep` are left: the oldest, but never the newest deployed one."""
    ordered = sorted(heads)
    deployed = _deployed(ordered)
    spare = len(ordered) - keep
    removable = [head for head in ordered if not deployed or head.version != deployed[-1]]
    return removable[: max(spare, 0)]


def _deployed(heads: Iterable[Head]) -> list[int]:
    return sorted(head.version for head in heads if head.status is Status.DEPLOYED)


def _head(secret: Object, name: str) -> Head | None:
    """None for a Secret that only has our labels."""
    metadata = secret["metadata"]
    labels = metadata.get("labels") or {}
    prefix = secret_name(name, 0)[:-1]
    number = metadata["name"].removeprefix(prefix)
    if not metadata["name"].startswith(prefix) or not number.isdecimal() or len(number) > _LONGEST_NUMBER:
        return None
    try:
        status = Status(labels.get("status", ""))
    except ValueError:
        status = Status.UNKNOWN
    return Head(int(number), status, metadata["name"])
