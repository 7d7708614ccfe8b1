"""How a step tells what it saw, and hurries what would otherwise wait for its interval."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cli.demo.objects import APP, HOME
from cli.demo.waiting import Wanted
from cli.demo.world import World
from shared.model.kinds import GIT_REPOSITORY, Resource
from shared.model.meta import REQUESTED_AT, Object

DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments")


@dataclass(slots=True)
class Telling:
    """`timings`: what was seen, and how many seconds after its cause."""

    world: World
    timings: list[tuple[str, float]] = field(default_factory=list)

    def seen(self, text: str, seconds: float) -> None:
        self.world.terminal.seen(text, seconds)

    def record(self, step: str, text: str, seconds: float) -> None:
        """Seen, and worth a line at the end."""
        self.timings.append((step, seconds))
        self.seen(text, seconds)

    async def announce(self, resource: Resource = GIT_REPOSITORY, name: str = APP) -> None:
        """Say that there is something new, as a webhook receiver does on a push."""
        patch = {"metadata": {"annotations": {REQUESTED_AT: str(time.time_ns())}}}
        await self.world.client.patch(resource, HOME, name, patch)


def runs(image: str) -> Wanted:
    """A Deployment whose first container has this image."""
    return _holding(lambda obj: obj["spec"]["template"]["spec"]["containers"][0]["image"] == image)


def has_replicas(count: int) -> Wanted:
    return _holding(lambda obj: obj["spec"]["replicas"] == count)


def _holding(holds: Callable[[Object], bool]) -> Wanted:
    return lambda obj: obj is not None and holds(obj)


def shortened(revision: str) -> str:
    """Short enough to read: `main@sha1:8f3a2c1`."""
    head, separator, digest = revision.rpartition(":")
    return f"{head}{separator}{digest[:7]}"
