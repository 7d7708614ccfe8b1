"""Make a cluster hold the given objects: stage by stage, by server-side apply (specs/kustomize.md 8).

Before: logic/manifest.py has prepared the objects. After: the change set becomes the inventory.
What is remembered to be as desired, and has surely not moved since, takes no request at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from shared.kube.apply_errors import (
    ApplyFailed,
    NotReadyInTime,
    ObjectRefused,
    StillSettling,
    all_refused,
    dry_run_failed,
    namespace_missing,
)
from shared.kube.apply_object import Finding, ObjectApplier, Rules, Target
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import ApiError, KubeError, UnknownKind
from shared.kube.memory import Memory, Record
from shared.kube.parallel import each
from shared.kube.settle import WITHIN_SECONDS, Unsettled, settle
from shared.kube.tracker import Tracker
from shared.logic.changes import Action, ChangeSet
from shared.logic.drift import fingerprint
from shared.logic.kstatus.fields import objects as objects_at
from shared.logic.kstatus.fields import text
from shared.logic.ordering import StagePlan, plan_stages
from shared.logic.sightings import identity
from shared.model.kinds import Resource
from shared.model.meta import GroupKind, Object, ObjectKey, ObjectRef

_SERVED_WITHIN = 20.0
_SERVED_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How one owner wants its objects applied; `custom_stage_kinds` go before all other kinds.

    `patience` is how many seconds one call waits for a stage to be ready; a stage has 60 in all, over
    as many calls as it takes.
    """

    rules: Rules = field(default_factory=Rules)
    custom_stage_kinds: frozenset[GroupKind] = frozenset()
    patience: float = WITHIN_SECONDS


@dataclass(slots=True)
class _Run:
    """One apply: what was done, and which kinds were defined on the way."""

    options: ApplyOptions
    memory: Memory
    changes: ChangeSet = field(default_factory=ChangeSet)
    defined: set[GroupKind] = field(default_factory=set)
    live: dict[ObjectRef, Object] = field(default_factory=dict)


class Applier:
    """Applies to one cluster as one identity. `concurrency` requests are in flight at once."""

    def __init__(
        self,
        client: KubeClient,
        discovery: Discovery,
        tracker: Tracker,
        *,
        field_manager: str = "kustomize-controller",
        concurrency: int = 4,
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._tracker = tracker
        self._concurrency = concurrency
        self._objects = ObjectApplier(client, tracker, field_manager)

    async def apply(self, objects: Sequence[Object], options: ApplyOptions, memory: Memory) -> ChangeSet:
        """One entry for each object, in apply order. Raises ApplyFailed with the changes so far.

        Nothing of a stage is written while the server refuses one of its objects. Raises StillSettling
        when a stage is not ready within `options.patience`.
        """
        memory.age(asyncio.get_running_loop().time())
        run = _Run(options, memory)
        for plan in plan_stages(objects, options.custom_stage_kinds):
            try:
                await self._apply_stage(plan, run)
            except ApplyFailed:
                raise
            except KubeError as error:
                raise ApplyFailed(str(error), run.changes) from error
        memory.forget_others(run.changes.refs())
        self._tracker.use(memory.owner, memory.resources())
        return run.changes

    async def _apply_stage(self, plan: StagePlan, run: _Run) -> None:
        findings = await self._examine([obj for obj in plan.objects if not self._is_as_left(obj, run)], run)
        by_ref = {finding.target.ref: finding for finding in findings}
        actions = {ref: finding.action for ref, finding in by_ref.items()}
        try:
            await self._write(findings, run)
        except KubeError:
            reached = [ref for ref in actions if ref in run.live]
            run.changes.extend(ChangeSet.of((ref, actions[ref]) for ref in reached))
            raise
        refs = [ObjectRef.of(obj) for obj in plan.objects]
        run.changes.extend(ChangeSet.of((ref, actions.get(ref, Action.UNCHANGED)) for ref in refs))
        if plan.stage.must_be_ready:
            await self._settle(plan, by_ref, run)

    def _is_as_left(self, obj: Object, run: _Run) -> bool:
        """Memory and watch prove that nothing has to be done for the object."""
        record = run.memory.find(ObjectRef.of(obj))
        if record is None or record.digest != _digest(obj, run.options):
            return False
        return self._tracker.unmoved(record.resource.group_kind, record.key, record.uid, record.version)

    async def _examine(self, objects: Sequence[Object], run: _Run) -> list[Finding]:
        """Raises ObjectRefused that names every object that the server refuses."""

        async def examine(obj: Object) -> Finding | ObjectRefused:
            try:
                target = await self._target(obj, run)
                return await self._objects.examine(target, run.options.rules)
            except ObjectRefused as error:
                return error

        outcomes = await each(objects, examine, at_once=self._concurrency)
        refused = [outcome for outcome in outcomes if isinstance(outcome, ObjectRefused)]
        if refused:
            raise all_refused(refused)
        return [outcome for outcome in outcomes if isinstance(outcome, Finding)]

    async def _target(self, obj: Object, run: _Run) -> Target:
        ref = ObjectRef.of(obj)
        resource = await self._resource(ref, run)
        self._tracker.need(run.memory.owner, resource)
        digest = _digest(obj, run.options)
        if resource.namespaced:
            if not ref.namespace:
                raise namespace_missing(ref)
            return Target(ref, resource, ref.key, obj, digest)
        if ref.namespace:
            metadata = {key: value for key, value in obj["metadata"].items() if key != "namespace"}
            obj = {**obj, "metadata": metadata}
        return Target(ref, resource, ObjectKey("", ref.name), obj, digest)

    async def _resource(self, ref: ObjectRef, run: _Run) -> Resource:
        """Raises ObjectRefused. A kind defined a moment ago is waited for: the server publishes it late."""
        deadline = asyncio.get_running_loop().time() + _SERVED_WITHIN
        while True:
            try:
                return await self._discovery.resource_of(ref)
            except UnknownKind as error:
                late = asyncio.get_running_loop().time() > deadline
                if late or ref.group_kind not in run.defined:
                    raise ObjectRefused(f"{ref} dry-run failed: {error}") from error
            except ApiError as error:
                raise dry_run_failed(ref, {}, error) from error
            await asyncio.sleep(_SERVED_PAUSE)
            self._discovery.forget(ref.api_version)

    async def _write(self, findings: Sequence[Finding], run: _Run) -> None:
        """Kind after kind; objects of one kind, which do not depend on each other, side by side."""

        async def write(finding: Finding) -> None:
            await self._write_one(finding, run)

        for _, same_kind in groupby(findings, key=lambda finding: finding.target.ref.group_kind):
            await each(list(same_kind), write, at_once=self._concurrency)

    async def _write_one(self, finding: Finding, run: _Run) -> None:
        target, live = finding.target, finding.live
        if finding.payload is not None:
            before = run.memory.find(target.ref)
            live = await self._objects.write(finding, run.options.rules)
            if before is not None and before.digest == target.digest:
                self._tracker.note_repair(target.resource.group_kind, target.key)
        if live is not None:
            run.live[target.ref] = live
        if finding.action is Action.SKIPPED or live is None:
            run.memory.forget(target.ref)
        else:
            uid, version = identity(live)
            item = Unsettled.of(target.ref, target.resource, target.key, live)
            run.memory.keep(
                target.ref, Record(target.resource, target.key, uid, version, target.digest, item.ready)
            )
        if finding.payload is not None:
            self._note_definition(target.desired, run)

    def _note_definition(self, obj: Object, run: _Run) -> None:
        """A definition that was written changes what the server serves."""
        if obj["kind"] != "CustomResourceDefinition":
            return
        group = text(obj, "spec", "group")
        run.defined.add(GroupKind(group, text(obj, "spec", "names", "kind")))
        for version in objects_at(obj, "spec", "versions"):
            self._discovery.forget(f"{group}/{text(version, 'name')}")

    async def _settle(self, plan: StagePlan, findings: dict[ObjectRef, Finding], run: _Run) -> None:
        """Wait for the whole stage, also for what was skipped."""
        waiting: list[Unsettled] = []
        for obj in plan.objects:
            ref = ObjectRef.of(obj)
            record, finding = run.memory.find(ref), findings.get(ref)
            if record is not None and not record.ready:
                waiting.append(Unsettled(ref, record.resource, record.key))
            elif finding is not None and finding.action is Action.SKIPPED:
                target = finding.target
                waiting.append(Unsettled.of(ref, target.resource, target.key, finding.live))
        await self._wait(waiting, run)
        for item in waiting:
            run.memory.mark_ready(item.ref)

    async def _wait(self, waiting: Sequence[Unsettled], run: _Run) -> None:
        now = asyncio.get_running_loop().time()
        left = run.memory.settles_since((item.ref for item in waiting), now) + WITHIN_SECONDS - now
        within = min(run.options.patience, left)
        try:
            await settle(self._client, waiting, at_once=self._concurrency, within=within)
        except NotReadyInTime as error:
            # One of them may have gone for good: do not trust what is remembered of them.
            for item in waiting:
                run.memory.forget(item.ref)
            if within < left:
                raise StillSettling(str(error), run.changes) from error
            run.memory.settled()
            raise
        run.memory.settled()


def _digest(obj: Object, options: ApplyOptions) -> bytes:
    rules = options.rules
    return fingerprint(obj, rules.force, rules.ignore.source, rules.override_managers)


def refs_of(objects: Iterable[Object]) -> list[ObjectRef]:
    """What an apply of these objects may create; for recording it before it happens."""
    return [ObjectRef.of(obj) for obj in objects]
