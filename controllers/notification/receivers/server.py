"""Where webhooks call: 404, 503, 400, 500 or 200, and never a word more (specs/notification.md 13, 18.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web

from controllers.notification.credentials import read_secret
from controllers.notification.measures import Measures
from controllers.notification.outgoing import Refused, Unavailable
from controllers.notification.receivers.filters import BadBody, request_of
from controllers.notification.receivers.hook import Hook, Rejected, require_token
from controllers.notification.receivers.platforms import CHECKS
from controllers.notification.receivers.poke import Poker
from controllers.notification.serve import Reply, application
from shared.kube.cache import Cache
from shared.kube.client import KubeClient
from shared.model.meta import READY, RECONCILING, STALLED, Object, ObjectKey
from shared.model.receiver import Receiver

log = structlog.get_logger()

_READY_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Hooks:
    """`receivers` holds all Receivers as they are now."""

    client: KubeClient
    receivers: Cache
    poker: Poker

    def create_app(self, measures: Measures) -> web.Application:
        async def handle(request: web.Request, body: bytes) -> Reply:
            return Reply(await self.answer(request.raw_path, Hook(request.headers, body)))

        return application("receiver", handle, measures)

    async def answer(self, path: str, hook: Hook) -> int:
        """The status for a call of that path, query included."""
        if not path.startswith("/hook/"):
            return 404
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await self.receivers.synced.wait()
        except TimeoutError:
            return 503
        match = self._find(path)
        if match is None:
            return 404
        obj, receiver = match
        if receiver.suspend or not is_ready(obj):
            return 503
        hook = Hook(hook.headers, hook.body, receiver.events)
        try:
            body = await self._checked(receiver, hook)
            found = request_of(receiver, hook, body)
        except (Rejected, Refused, Unavailable) as error:
            log.info("webhook rejected", receiver=str(receiver.key), error=str(error))
            return 400
        except BadBody as error:
            log.info("webhook cannot be read", receiver=str(receiver.key), error=str(error))
            return 500
        return 200 if await self.poker.poke(receiver, found) else 500

    async def _checked(self, receiver: Receiver, hook: Hook) -> bytes:
        """The body, once it is known who sent it; the token is read each time, as it may have changed."""
        secret: Mapping[str, str] = await read_secret(self.client, receiver.key.namespace, receiver.secret)
        require_token(secret)
        check = CHECKS.get(receiver.type)
        if check is None:
            raise Rejected(f"receiver type '{receiver.type}' is not supported")
        return check(hook, secret)

    def _find(self, path: str) -> tuple[Object, Receiver] | None:
        for obj in self.receivers:
            if (obj.get("status") or {}).get("webhookPath") == path:
                try:
                    return obj, Receiver.parse(obj)
                except (KeyError, TypeError, ValueError) as error:
                    log.error("receiver cannot be read", receiver=str(ObjectKey.of(obj)), error=str(error))
        return None


def is_ready(obj: Object) -> bool:
    conditions = {item.get("type"): item.get("status") for item in obj["status"].get("conditions") or ()}
    busy = "True" in (conditions.get(STALLED), conditions.get(RECONCILING))
    return conditions.get(READY) == "True" and not busy
