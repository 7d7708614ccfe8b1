"""Asks the webhooks about a write: mutating ones in turn, validating ones all at once.

Nothing of the store is held meanwhile; who goes on afterwards looks again at what may have changed.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson

from localcluster import rules
from localcluster.admission.webhooks.calling import Caller, CallFailed
from localcluster.admission.webhooks.configuration import MUTATING, VALIDATING, Webhook, configured
from localcluster.admission.webhooks.matching import Asked, asked_by, conditions_hold
from localcluster.admission.webhooks.review import (
    BadResponse,
    Verdict,
    denial,
    question,
    read_answer,
    request_of,
)
from localcluster.admission.webhooks.write import Write
from localcluster.objects.errors import ObjectError
from localcluster.objects.patch import json_patch
from localcluster.resources.registry import Registry
from localcluster.resources.resource import Resource
from localcluster.status import Refusal, internal
from localcluster.store.revision import Obj
from localcluster.store.store import Store

REQUEST_SECONDS = 34.0
"""How long all webhooks of one sort may take together: what the genuine server gives a whole request."""

log = logging.getLogger("localcluster")


class Webhooks:
    """All webhooks of a cluster."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self.caller = Caller(store)

    async def mutate(self, write: Write) -> Write:
        """The write as the mutating webhooks want it, decoded and defaulted anew where they changed it.

        Raises a Refusal where one denies, or where one that may not fail could not be asked.
        """
        hooks = configured(self._store, MUTATING)
        if not hooks or write.is_exempt:
            return write
        async with _bounded():
            again: set[int] = set()
            eligible: set[int] = set()
            for number, hook in enumerate(hooks):
                before = write
                asked, write = await self._mutated(hook, write)
                if write is not before:
                    again |= eligible
                if asked and hook.reinvoked:
                    eligible.add(number)
            for number in sorted(again):
                _, write = await self._mutated(hooks[number], write)
        return write

    async def judge(self, write: Write) -> None:
        """Ask the validating webhooks; raises the Refusal of the first of those that object."""
        hooks = configured(self._store, VALIDATING)
        if not hooks or write.is_exempt:
            return
        chosen = [asked for hook in hooks if (asked := self._asked(hook, write)) is not None]
        async with _bounded():
            outcomes = await asyncio.gather(
                *(self._verdict(asked, write, mutating=False) for asked in chosen), return_exceptions=True
            )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    def _asked(self, hook: Webhook, write: Write) -> Asked | None:
        return asked_by(hook, write, self._store, self._registry)

    async def _mutated(self, hook: Webhook, write: Write) -> tuple[bool, Write]:
        asked = self._asked(hook, write)
        if asked is None:
            return False, write
        verdict = await self._verdict(asked, write, mutating=True)
        if verdict is None or not verdict.patch:
            return verdict is not None, write
        if write.obj is None:
            why = "attempted to modify the object, which is not supported for this operation"
            raise internal(f'admission webhook "{hook.name}" {why}')
        changed = _patched(asked, write, verdict)
        return True, write if changed == write.obj else replace(write, obj=changed)

    async def _verdict(self, asked: Asked, write: Write, *, mutating: bool) -> Verdict | None:
        """What the webhook allows; None where it is not asked in the end, or may fail and did."""
        hook, uid = asked.webhook, str(uuid.uuid4())
        obj = _in_form_of(asked.resource, write.call.resource, write.obj)
        old = _in_form_of(asked.resource, write.call.resource, write.old)
        request = request_of(asked, write, uid, obj, old)
        if hook.conditions and not conditions_hold(hook, request, write):
            return None
        body = question(hook.review_version, request)
        try:
            answer = await self.caller.call(hook.client, body, hook.timeout_seconds)
            verdict = read_answer(answer, hook.review_version, uid, mutating=mutating)
        except (CallFailed, BadResponse) as error:
            if not hook.fails_open:
                raise internal(f'failed calling webhook "{hook.name}": {error}') from error
            log.warning("webhook_failed_open webhook=%s why=%s", hook.name, error)
            return None
        write.call.warnings.extend(verdict.warnings)
        if not verdict.allowed:
            raise denial(hook.name, verdict.status)
        return verdict


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            yield
    except TimeoutError as error:
        why = "Timeout: request did not complete within requested timeout - context deadline exceeded"
        raise Refusal(504, "Timeout", why, {}) from error


def _patched(asked: Asked, write: Write, verdict: Verdict) -> Obj:
    own = write.call.resource
    shown = _in_form_of(asked.resource, own, write.obj)
    try:
        result = json_patch(shown, verdict.patch)
    except ObjectError as error:
        raise _unfit(asked.webhook, str(error)) from error
    if not isinstance(result, dict) or not isinstance(result.get("metadata"), dict):
        raise _unfit(asked.webhook, "it leaves no object")
    assert write.obj is not None
    if write.obj["kind"] != own.kind:
        return result
    result["kind"], result["apiVersion"] = asked.resource.kind, asked.resource.api_version
    back = _in_form_of(own, asked.resource, result)
    assert back is not None
    return _decoded(own, back, write.obj["metadata"].get("managedFields"))


def _decoded(resource: Resource, obj: Obj, entries: Sequence[Obj] | None) -> Obj:
    """As the kind's types make it; who manages which field is not for a webhook to say."""
    obj["metadata"].pop("managedFields", None)
    decoded = rules.decode(resource, obj, (), "Ignore", [])
    rules.set_managed(decoded, list(entries or ()))
    return decoded


def _unfit(hook: Webhook, why: str) -> Refusal:
    return internal(f'the patch of admission webhook "{hook.name}" does not apply: {why}')


def _in_form_of(wanted: Resource, present: Resource, obj: Obj | None) -> Obj | None:
    """An object in another version of its resource."""
    if obj is None or wanted is present:
        return obj
    copied: Obj = orjson.loads(orjson.dumps(obj))
    stored = rules.to_storage(present, copied)
    return rules.from_storage(wanted, orjson.loads(orjson.dumps(stored)))
