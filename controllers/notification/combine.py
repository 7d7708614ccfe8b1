"""The metadata that a provider sees: four sources, later ones win (specs/notification.md 8.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controllers.notification.event import EVENT_GROUP, Event
from shared.model.notification import Alert


@dataclass(frozen=True, slots=True)
class Combined:
    """`conflicts` tells for each key that several sources gave, in their order, who they are."""

    event: Event
    conflicts: Mapping[str, str] = field(default_factory=dict)


def combine(event: Event, alert: Alert) -> Combined:
    sources = (
        ("involved object annotations", _of_group(event, EVENT_GROUP)),
        ("Alert object .spec.eventMetadata", alert.metadata),
        ("Alert object .spec.summary", {"summary": alert.summary} if alert.summary else {}),
        ("involved object controller metadata", _of_group(event, event.group)),
    )
    merged: dict[str, str] = {}
    givers: dict[str, list[str]] = {}
    for giver, values in sources:
        merged.update(values)
        for key in values:
            givers.setdefault(key, []).append(giver)
    conflicts = {key: ", ".join(names) for key, names in sorted(givers.items()) if len(names) > 1}
    return Combined(event.with_metadata(merged), conflicts)


def _of_group(event: Event, group: str) -> dict[str, str]:
    prefix = f"{group}/"
    return {
        key.removeprefix(prefix): value for key, value in event.metadata.items() if key.startswith(prefix)
    }
