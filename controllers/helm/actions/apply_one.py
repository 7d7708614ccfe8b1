"""Write one object: by server-side apply, by a three-way merge, or by replacing it (specs/helm.md 11.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from controllers.helm.actions.objects import Placed
from controllers.helm.actions.take_over import take_over
from controllers.helm.actions.toolbox import FIELD_MANAGER, Tools
from shared.kube.apply_errors import apply_failed
from shared.kube.errors import Conflict, KubeError, NotFound, ServerFailure
from shared.logic.merge_patch import merge_diff
from shared.logic.undeclared import is_built_in, undeclared_fields, without_fields
from shared.model.meta import Object

_ATTEMPTS = 4
_MOST_TRIMS = 10


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How the objects of an action are written.

    `look_first`: whether it is there already matters, because it may have to be taken over, or to be
    cleaned up. `replace`: client-side, put the new object in the old one's place. `validate` false:
    fields that the server does not know are left out instead of being refused.
    """

    server_side: bool = True
    look_first: bool = True
    replace: bool = False
    validate: bool = True


class Applied(Enum):
    """What was done. WRITTEN: it may have been there before, nobody looked."""

    CREATED = auto()
    CHANGED = auto()
    UNCHANGED = auto()
    WRITTEN = auto()


class ObjectWriter:
    def __init__(self, tools: Tools, options: WriteOptions) -> None:
        self._tools = tools
        self._client = tools.client
        self._options = options

    async def write(self, item: Placed, before: Object | None) -> Applied:
        """`before` is the object of the last manifest. Raises KubeError that names the object."""
        try:
            return await self._write(item, before)
        except KubeError as error:
            raise apply_failed(item.ref, item.desired, error) from error

    async def _write(self, item: Placed, before: Object | None) -> Applied:
        if self._options.server_side and not self._options.look_first:
            await self._apply(item)
            return Applied.WRITTEN
        for attempt in range(_ATTEMPTS):
            live = await self._client.find(item.resource, item.key.namespace, item.key.name)
            try:
                return await self._write_over(item, before, live)
            except Conflict:
                # Somebody was faster: look again.
                if attempt == _ATTEMPTS - 1:
                    raise
            except NotFound:
                if live is None or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("the loop returns or raises")

    async def _write_over(self, item: Placed, before: Object | None, live: Object | None) -> Applied:
        if self._options.server_side:
            await self._take_over(item, live)
            await self._apply(item)
            return Applied.CREATED if live is None else Applied.CHANGED
        if live is None:
            await self._create(item)
            return Applied.CREATED
        if self._options.replace:
            await self._replace(item, live)
            return Applied.CHANGED
        return await self._patch(item, before, live)

    async def _apply(self, item: Placed) -> None:
        desired = item.desired
        for _ in range(_MOST_TRIMS):
            try:
                with self._tools.tracker.writing(item.resource, item.key) as answer:
                    answer.obj = await self._client.apply(item.resource, desired, field_manager=FIELD_MANAGER)
            except ServerFailure as error:
                desired = self._without_unknown(item, desired, error)
            else:
                return
        raise KubeError("too many unknown fields")

    def _without_unknown(self, item: Placed, desired: Object, error: ServerFailure) -> Object:
        """The object without what the server named. Raises the error when it named nothing."""
        known = is_built_in(item.resource.api_version) and not self._options.validate
        trimmed = without_fields(desired, undeclared_fields(error.message) if known else [])
        if trimmed == desired:
            raise error
        return trimmed

    async def _take_over(self, item: Placed, live: Object | None) -> None:
        operations = take_over(live, FIELD_MANAGER) if live is not None else []
        if not operations:
            return
        with self._tools.tracker.writing(item.resource, item.key) as answer:
            answer.obj = await self._client.patch(
                item.resource,
                item.key.namespace,
                item.key.name,
                operations,
                kind="json",
                params={"fieldManager": FIELD_MANAGER},
            )

    async def _create(self, item: Placed) -> None:
        with self._tools.tracker.writing(item.resource, item.key) as answer:
            answer.obj = await self._client.create(item.resource, item.desired, field_manager=FIELD_MANAGER)

    async def _replace(self, item: Placed, live: Object) -> None:
        version = live["metadata"]["resourceVersion"]
        metadata = {**item.desired["metadata"], "resourceVersion": version}
        with self._tools.tracker.writing(item.resource, item.key) as answer:
            answer.obj = await self._client.update(item.resource, {**item.desired, "metadata": metadata})

    async def _patch(self, item: Placed, before: Object | None, live: Object) -> Applied:
        # Its schemas are large, and only client-side apply needs them.
        from controllers.helm.actions import three_way

        patch = merge_diff(live, three_way.merged(before or {}, item.desired, live))
        if not patch:
            return Applied.UNCHANGED
        version = {"resourceVersion": live["metadata"]["resourceVersion"]}
        patch = {**patch, "metadata": {**(patch.get("metadata") or {}), **version}}
        with self._tools.tracker.writing(item.resource, item.key) as answer:
            answer.obj = await self._client.patch(
                item.resource,
                item.key.namespace,
                item.key.name,
                patch,
                params={"fieldManager": FIELD_MANAGER},
            )
        return Applied.CHANGED
