"""Wait until an object is as it should be, by watching it, and say meanwhile what it is at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.demo.terminal import Terminal
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.model.kinds import Resource
from shared.model.meta import Object

_PATIENCE_SECONDS = 25.0
_PAUSE_SECONDS = 0.2

Wanted = Callable[[Object | None], bool]


class NotSeen(Exception):
    """Something did not happen in time; the message says what, and what was there instead."""


@dataclass(frozen=True, slots=True)
class Target:
    resource: Resource
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.resource.kind} {self.namespace}/{self.name}".replace(" /", " ")


@dataclass(slots=True)
class Seen:
    """The object as it was wanted (None: gone), and the seconds since the wait began."""

    obj: Object | None
    seconds: float

    @property
    def present(self) -> Object:
        assert self.obj is not None
        return self.obj


class Watcher:
    """Waits on behalf of the story, with the line that lives on the terminal."""

    def __init__(self, client: KubeClient, terminal: Terminal) -> None:
        self._client, self._terminal = client, terminal

    async def until(self, target: Target, wanted: Wanted, what: str, *, since: float | None = None) -> Seen:
        """`since`: time.monotonic() of the cause, where that was before this call. Raises NotSeen."""
        begun = time.monotonic() if since is None else since
        last: Object | None = None
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                async for last in self._versions(target):
                    if wanted(last):
                        return Seen(last, time.monotonic() - begun)
                    self._terminal.waiting(f"{what}: {progress(last)}")
        except TimeoutError:
            pass
        raise NotSeen(f"{what}: not seen within {_PATIENCE_SECONDS:.0f} s. {target}: {progress(last)}")

    async def _versions(self, target: Target) -> AsyncIterator[Object | None]:
        """Each state of one object as it comes, from the one it is in now; never ends."""
        while True:
            try:
                listed = await self._client.list(target.resource, target.namespace)
                yield next((obj for obj in listed.items if obj["metadata"]["name"] == target.name), None)
                async for kind, obj in self._client.watch(
                    target.resource, target.namespace, resource_version=listed.resource_version
                ):
                    if kind != "BOOKMARK" and obj["metadata"]["name"] == target.name:
                        yield None if kind == "DELETED" else obj
            except KubeError as error:
                self._terminal.waiting(f"{target}: {error}")
            await asyncio.sleep(_PAUSE_SECONDS)


def condition(obj: Object | None, kind: str = "Ready") -> Mapping[str, Any]:
    """That condition of the object, or an empty one."""
    found = ((obj or {}).get("status") or {}).get("conditions") or ()
    return next((entry for entry in found if entry["type"] == kind), {})


def progress(obj: Object | None) -> str:
    """What the object says of itself, in one line."""
    if obj is None:
        return "there is none"
    ready, stage = condition(obj), condition(obj, "Reconciling")
    if not stage or ready.get("status") == "False":
        stage = ready
    if not stage:
        return "no condition yet" if "observedGeneration" in obj.get("status", {}) else "there, as of now"
    return f"{stage['type']}={stage['status']} {stage['reason']}: {stage['message']}"


def current(obj: Object) -> bool:
    """Does the status speak of the spec as it is now?"""
    return bool((obj.get("status") or {}).get("observedGeneration") == obj["metadata"].get("generation"))


def ready_at(field: str, commit: str) -> Wanted:
    """Ready, with a revision of this commit at that dotted path of the status; "" means any revision."""

    def wanted(obj: Object | None) -> bool:
        if obj is None or condition(obj).get("status") != "True" or not current(obj):
            return False
        value: Any = obj["status"]
        for step in field.split("."):
            value = (value or {}).get(step)
        return bool(value) and str(value).endswith(commit)

    return wanted
