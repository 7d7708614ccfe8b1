"""One object: would an apply change it, and if so, apply it (specs/kustomize.md 8.3).

`examine` only reads (a dry run is no write); `write` does what was found to be needed. Between the
two stands the guarantee that nothing of a stage is written while one of its objects is refused.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from shared.kube.apply_errors import ObjectRefused, apply_failed, dry_run_failed
from shared.kube.client import KubeClient
from shared.kube.errors import (
    ApiError,
    ApiUnreachable,
    Conflict,
    Invalid,
    KubeError,
    NotFound,
    ServerFailure,
)
from shared.kube.tracker import Tracker
from shared.logic import owner
from shared.logic.changes import Action
from shared.logic.drift import has_drifted
from shared.logic.drift_ignore import IgnoreRules
from shared.logic.managed_fields import cleanup_patch, migration_patch
from shared.logic.undeclared import is_built_in, undeclared_fields, without_fields
from shared.model.kinds import Resource
from shared.model.meta import Object, ObjectKey, ObjectRef

log = structlog.get_logger()

_IMMUTABLE = re.compile(r"is immutable|immutable field")
_MOST_TRIMS = 10
_PROBE = "headwater-probe"
_GONE_WITHIN = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


@dataclass(frozen=True, slots=True)
class Rules:
    """How the objects of one owner are applied.

    `force` recreates objects whose immutable fields changed (spec.force); `ignore` are the fields
    whose drift is accepted (spec.ignore); `override_managers` lose their fields to us as kubectl does;
    `migrate_api_version` is the feature gate MigrateAPIVersion.
    """

    force: bool = False
    ignore: IgnoreRules = field(default_factory=IgnoreRules)
    override_managers: tuple[str, ...] = ()
    migrate_api_version: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A desired object and where it lives. `key` has no namespace when the kind has none."""

    ref: ObjectRef
    resource: Resource
    key: ObjectKey
    desired: Object
    digest: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """What has to be done. `live` is None when there is no such object (or it was not looked at)."""

    target: Target
    action: Action
    live: Object | None = None
    payload: Object | None = None
    recreate: bool = False


class ObjectApplier:
    """Applies single objects to one cluster as one field manager."""

    def __init__(self, client: KubeClient, tracker: Tracker, field_manager: str) -> None:
        self._client = client
        self._tracker = tracker
        self._manager = field_manager

    async def examine(self, target: Target, rules: Rules) -> Finding:
        """Two requests for an object that exists, one for one that does not. Raises ObjectRefused."""
        if owner.excluded_from_apply(target.desired):
            return Finding(target, Action.SKIPPED)
        if owner.created_only(target.desired):
            live = await self._live(target)
            if live is not None:
                return Finding(target, Action.SKIPPED, live)
        try:
            if rules.migrate_api_version:
                await self._migrate(target)
            target, result = await self._dry_run(target)
        except ApiUnreachable:
            raise
        except KubeError as error:
            return await self._examine_refused(target, rules, error)
        if not result["metadata"].get("resourceVersion"):
            return Finding(target, Action.CREATED, payload=target.desired)
        live = await self._live(target)
        if live is None:
            return Finding(target, Action.CREATED, payload=target.desired)
        return self._compare(target, rules, live, result)

    async def _dry_run(self, target: Target) -> tuple[Target, Object]:
        """The result, and the target without fields that the server does not know."""
        resource, desired = target.resource, target.desired
        for _ in range(_MOST_TRIMS):
            try:
                result = await self._client.apply(
                    resource, desired, field_manager=self._manager, dry_run=True
                )
            except ServerFailure as error:
                unknown = undeclared_fields(error.message) if is_built_in(resource.api_version) else []
                trimmed = without_fields(desired, unknown)
                if trimmed == desired:
                    raise
                fields = ["".join(path) for path in unknown]
                log.warning("unknown fields are left out", object=str(target.ref), fields=fields)
                desired = trimmed
            else:
                return replace(target, desired=desired), result
        raise ObjectRefused(f"{target.ref} dry-run failed: too many unknown fields")

    def _compare(self, target: Target, rules: Rules, live: Object, dry_run: Object) -> Finding:
        if owner.excluded_from_apply(live):
            return Finding(target, Action.SKIPPED, live)
        ignored = rules.ignore.paths_for(dry_run)
        drifted = has_drifted(ignored.without(live), ignored.without(dry_run))
        if not drifted and not self._cleanup(target, rules, live):
            return Finding(target, Action.UNCHANGED, live)
        payload = ignored.resolve(target.desired, live, dry_run, manager=self._manager)
        return Finding(target, Action.CONFIGURED, live, payload)

    async def _examine_refused(self, target: Target, rules: Rules, error: KubeError) -> Finding:
        """A refused object may be one that we should not touch, or one that must be made anew."""
        try:
            live = await self._live(target)
        except KubeError:
            raise dry_run_failed(target.ref, target.desired, error) from error
        if live is not None and owner.excluded_from_apply(live):
            return Finding(target, Action.SKIPPED, live)
        forced = rules.force or owner.may_be_recreated(target.desired) or owner.may_be_recreated(live)
        if live is None or not forced or not _is_immutable(error) or await self._is_hopeless(target):
            raise dry_run_failed(target.ref, target.desired, error) from error
        return Finding(target, Action.CREATED, live, target.desired, recreate=True)

    async def _is_hopeless(self, target: Target) -> bool:
        """Would a new object be refused as well? Then the old one must not be deleted for it.

        Asked of the server by a dry run under another name, so what it says about names is not heard.
        """
        probe = {**target.desired, "metadata": {**target.desired["metadata"], "name": _PROBE}}
        try:
            await self._client.create(target.resource, probe, field_manager=self._manager, dry_run=True)
        except Invalid as error:
            causes = error.details.get("causes") or ()
            return any(not str(cause.get("field", "")).startswith("metadata.") for cause in causes)
        except KubeError:
            return False
        return False

    async def write(self, finding: Finding, rules: Rules) -> Object:
        """The object as written. Raises ObjectRefused."""
        target = finding.target
        assert finding.payload is not None
        if finding.recreate:
            await self._delete(target, finding.live)
        elif finding.live is not None:
            await self._clean(target, rules, finding.live)
        try:
            return await self._apply(target, finding.payload)
        except KubeError as error:
            raise apply_failed(target.ref, target.desired, error) from error

    def _cleanup(self, target: Target, rules: Rules, live: Object) -> list[Object]:
        if owner.keeps_foreign_fields(target.desired) or owner.keeps_foreign_fields(live):
            return []
        return cleanup_patch(live, self._manager, rules.override_managers)

    async def _clean(self, target: Target, rules: Rules, live: Object) -> None:
        operations = self._cleanup(target, rules, live)
        if not operations:
            return
        resource, key = target.resource, target.key
        try:
            try:
                await self._patch_metadata(target, operations)
            except Conflict:
                # Somebody wrote meanwhile: look at what it is now.
                fresh = await self._client.get(resource, key.namespace, key.name)
                operations = self._cleanup(target, rules, fresh)
                if operations:
                    await self._patch_metadata(target, operations)
        except NotFound:
            return  # it will be created
        except KubeError as error:
            raise ObjectRefused(f"{target.ref} metadata.managedFields cleanup failed: {error}") from error

    async def _migrate(self, target: Target) -> None:
        live = await self._live(target)
        operations = migration_patch(live, target.resource.api_version) if live is not None else []
        if operations:
            await self._patch_metadata(target, operations)

    async def _patch_metadata(self, target: Target, operations: list[Object]) -> None:
        key = target.key
        with self._tracker.writing(target.resource, key) as answer:
            answer.obj = await self._client.patch(
                target.resource,
                key.namespace,
                key.name,
                operations,
                kind="json",
                params={"fieldManager": self._manager},
            )

    async def _apply(self, target: Target, payload: Object) -> Object:
        with self._tracker.writing(target.resource, target.key) as answer:
            answer.obj = await self._client.apply(target.resource, payload, field_manager=self._manager)
        return answer.obj

    async def _live(self, target: Target) -> Object | None:
        live = await self._client.find(target.resource, target.key.namespace, target.key.name)
        if live is not None:
            self._tracker.note(target.resource, target.key, live)
        return live

    async def _delete(self, target: Target, live: Mapping[str, Any] | None) -> None:
        """Delete the old object and wait until it is gone: the new one needs its name."""
        resource, key = target.resource, target.key
        uid = str(live["metadata"]["uid"]) if live is not None else ""
        try:
            with self._tracker.deleting(resource, key):
                await self._client.delete(resource, key.namespace, key.name, uid=uid)
        except NotFound:
            return
        except KubeError as error:
            raise ObjectRefused(
                f"{target.ref} immutable field detected, failed to delete object: {error}"
            ) from error
        try:
            async with asyncio.timeout(_GONE_WITHIN):
                await self._until_gone(target, uid)
        except (TimeoutError, KubeError) as error:
            raise ObjectRefused(
                f"{target.ref} immutable field detected, failed to wait for object to be deleted: "
                f"{str(error) or f'still there after {_GONE_WITHIN:.0f}s'}"
            ) from error

    async def _until_gone(self, target: Target, uid: str) -> None:
        pause = _FIRST_PAUSE
        while True:
            live = await self._client.find(target.resource, target.key.namespace, target.key.name)
            if live is None or live["metadata"]["uid"] != uid:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _is_immutable(error: KubeError) -> bool:
    """As Flux judges: every Conflict and every Invalid counts."""
    return isinstance(error, Conflict | Invalid) or (
        isinstance(error, ApiError) and _IMMUTABLE.search(error.message) is not None
    )
