"""Which resource serves a kind: asked of the server once per group version, and again on a miss."""

from __future__ import annotations

import asyncio
import time

from shared.kube.client import KubeClient
from shared.kube.errors import NotFound, UnknownKind
from shared.model.kinds import Resource
from shared.model.meta import ObjectRef

# A kind that is missing may be a CRD that was created a moment ago, so a miss is asked again soon.
_MISS_SECONDS = 1.0
_FRESH_SECONDS = 600.0


class Discovery:
    """A cache of served kinds for one API server."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._resources: dict[str, dict[str, Resource]] = {}
        self._read_at: dict[str, float] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def resource(self, api_version: str, kind: str) -> Resource:
        """Raises UnknownKind when the server does not serve it (now)."""
        found = self._cached(api_version, kind)
        if found is not None:
            return found
        async with self._locks.setdefault(api_version, asyncio.Lock()):
            found = self._cached(api_version, kind)
            if found is None and time.monotonic() - self._age(api_version) >= _MISS_SECONDS:
                await self._read(api_version)
                found = self._cached(api_version, kind)
        if found is None:
            raise UnknownKind(f'no matches for kind "{kind}" in version "{api_version}"')
        return found

    async def resource_of(self, ref: ObjectRef) -> Resource:
        return await self.resource(ref.api_version, ref.kind)

    async def find_resource(self, ref: ObjectRef) -> Resource | None:
        """Where the object lives, in another version of its group if need be.

        None when no version of the group serves the kind: then no such object can exist.
        """
        try:
            return await self.resource_of(ref)
        except UnknownKind:
            pass
        for api_version in await self._versions(ref.group):
            self.forget(api_version)
            try:
                return await self.resource(api_version, ref.kind)
            except UnknownKind:
                continue
        return None

    async def _versions(self, group: str) -> list[str]:
        if not group:
            return ["v1"]
        try:
            answer = await self._client.request("GET", f"/apis/{group}")
        except NotFound:
            return []
        return [version["groupVersion"] for version in answer.get("versions") or []]

    def forget(self, api_version: str) -> None:
        """Ask again next time: a CRD of that group was changed or removed."""
        self._resources.pop(api_version, None)
        self._read_at.pop(api_version, None)

    def _age(self, api_version: str) -> float:
        return self._read_at.get(api_version, float("-inf"))

    def _cached(self, api_version: str, kind: str) -> Resource | None:
        if time.monotonic() - self._age(api_version) > _FRESH_SECONDS:
            return None
        return self._resources.get(api_version, {}).get(kind)

    async def _read(self, api_version: str) -> None:
        group, _, version = api_version.rpartition("/")
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        try:
            answer = await self._client.request("GET", path)
        except NotFound:
            answer = {}
        self._resources[api_version] = {
            raw["kind"]: Resource(group, version, raw["kind"], raw["name"], bool(raw["namespaced"]))
            for raw in answer.get("resources") or []
            if "/" not in raw["name"]
        }
        self._read_at[api_version] = time.monotonic()
