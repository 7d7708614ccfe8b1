"""Are the objects of a release as it made them? And make them so again (specs/helm.md 15).

A dry run of our own apply says what each object would become; where that is what it is, nothing has
drifted. What was as desired, and has surely not moved since, is not asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from controllers.helm.actions.objects import Placed, objects_of, owned, place
from controllers.helm.actions.toolbox import FIELD_MANAGER, Tools
from controllers.helm.drift_changes import Changes, changes
from controllers.helm.release.record import Release
from shared.kube.errors import KubeError
from shared.kube.parallel import each
from shared.logic.drift import fingerprint, has_drifted
from shared.logic.drift_ignore import IgnoreRules
from shared.logic.managed_fields import cleanup_patch
from shared.logic.ordering import sort_key
from shared.logic.owner import metadata_map
from shared.logic.sightings import identity
from shared.model.helm import GROUP
from shared.model.meta import Object, ObjectRef

_SWITCH = f"{GROUP}/driftDetection"
_MOST_TOLD = 50

Known = dict[ObjectRef, tuple[str, str, bytes]]
"""By object: uid, resourceVersion and digest of what was desired, when both were found to agree."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`live` None: the object is gone. `payload` is what to apply so that it is as desired."""

    placed: Placed
    payload: Object
    live: Object | None = None
    changed: Changes | None = None

    def __str__(self) -> str:
        if self.changed is None:
            return f"{self.placed.ref} removed"
        return f"{self.placed.ref} changed ({self.changed})"


@dataclass(slots=True)
class DriftFound:
    differences: list[Difference] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """One line for each object, bounded."""
        lines = [str(item) for item in self.differences[:_MOST_TOLD]]
        more = len(self.differences) - _MOST_TOLD
        return "\n".join([*lines, f"and {more} more"] if more > 0 else lines)


@dataclass(frozen=True, slots=True)
class Rules:
    """`override_managers` lose their fields to us; what `whole` matches is not looked at."""

    ignore: IgnoreRules
    whole: IgnoreRules
    override_managers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, raw: Sequence[Mapping[str, Any]], override_managers: tuple[str, ...] = ()) -> Self:
        """Read spec.driftDetection.ignore, in which the path "" means all of an object.

        Raises InvalidIgnoreRule.
        """
        paths = [list(rule.get("paths") or ()) for rule in raw]
        parts = [
            {**rule, "paths": [path for path in at if path]} for rule, at in zip(raw, paths, strict=True)
        ]
        whole = [{**rule, "paths": []} for rule, at in zip(raw, paths, strict=True) if "" in at]
        return cls(IgnoreRules.parse(parts), IgnoreRules.parse(whole), override_managers)

    def leave_out(self, obj: Mapping[str, Any]) -> bool:
        return any(rule.matches(obj) for rule in self.whole.rules)


class Drift:
    """Of one release. `known` is kept by the caller from one look to the next."""

    def __init__(self, tools: Tools, rules: Rules, known: Known) -> None:
        self._tools = tools
        self._rules = rules
        self._known = known

    async def detect(self, release: Release) -> DriftFound:
        """Raises ObjectsFailed, ManifestUnusable and KubeError where nothing can be told."""
        objects = await self._objects(release)
        self._tools.tracker.use(self._tools.owner, {item.resource for item in objects})
        for ref in self._known.keys() - {item.ref for item in objects}:
            del self._known[ref]
        found = DriftFound()

        async def look(item: Placed) -> None:
            try:
                difference = await self._look(item)
            except KubeError as error:
                found.errors.append(f"{item.ref}: {error}")
                return
            if difference is not None:
                found.differences.append(difference)

        await each(objects, look, at_once=self._tools.concurrency)
        found.differences.sort(key=lambda item: sort_key(item.placed.ref))
        return found

    async def correct(self, found: DriftFound) -> tuple[list[str], list[str]]:
        """Apply what is missing or different; returns what was corrected, and what failed."""
        done: list[str] = []
        failed: list[str] = []
        for difference in found.differences:
            try:
                await self._apply(difference)
            except KubeError as error:
                failed.append(f"{difference.placed.ref}: {error}")
            else:
                verb = "created" if difference.live is None else "patched"
                done.append(f"{difference.placed.ref} {verb}")
        return done, failed

    async def _objects(self, release: Release) -> list[Placed]:
        marked = [
            owned(obj, release.name, release.namespace)
            for obj in await objects_of(release.manifest)
            if not _is_switched_off(obj)
        ]
        placed = await place(self._tools, marked, release.namespace)
        return [item for item in placed if not self._rules.leave_out(item.desired)]

    async def _look(self, item: Placed) -> Difference | None:
        digest = fingerprint(item.desired, self._rules.ignore.source)
        known = self._known.get(item.ref)
        if known is not None and known[2] == digest and self._is_unmoved(item, known):
            return None
        client, key = self._tools.client, item.key
        live = await client.find(item.resource, key.namespace, key.name)
        if live is None:
            return Difference(item, item.desired)
        self._tools.tracker.note(item.resource, key, live)
        ignored = self._rules.ignore.paths_for(item.desired)
        if _is_switched_off(live):
            return None
        live = await self._take_over(item, live)
        dry_run = await client.apply(item.resource, item.desired, field_manager=FIELD_MANAGER, dry_run=True)
        before, after = ignored.without(live), ignored.without(dry_run)
        if not has_drifted(before, after):
            self._known[item.ref] = (*identity(live), digest)
            return None
        payload = ignored.resolve(item.desired, live, dry_run, manager=FIELD_MANAGER)
        return Difference(item, payload, live, changes(before, after))

    def _is_unmoved(self, item: Placed, known: tuple[str, str, bytes]) -> bool:
        uid, version, _ = known
        return self._tools.tracker.unmoved(item.resource.group_kind, item.key, uid, version)

    async def _take_over(self, item: Placed, live: Object) -> Object:
        if not self._rules.override_managers:
            return live
        patch = cleanup_patch(live, FIELD_MANAGER, self._rules.override_managers)
        if not patch:
            return live
        with self._tools.tracker.writing(item.resource, item.key) as answer:
            answer.obj = await self._tools.client.patch(
                item.resource,
                item.key.namespace,
                item.key.name,
                patch,
                kind="json",
                params={"fieldManager": FIELD_MANAGER},
            )
        return answer.obj

    async def _apply(self, difference: Difference) -> None:
        item = difference.placed
        with self._tools.tracker.writing(item.resource, item.key) as answer:
            answer.obj = await self._tools.client.apply(
                item.resource, difference.payload, field_manager=FIELD_MANAGER
            )
        self._tools.tracker.note_repair(item.resource.group_kind, item.key)


def _is_switched_off(obj: Mapping[str, Any]) -> bool:
    return any(
        str(metadata_map(obj, field).get(_SWITCH, "")).lower() == "disabled"
        for field in ("labels", "annotations")
    )
