"""Where controllers post events: 202 unless the body is bad or was heard before (specs/notification.md 7)."""

from __future__ import annotations

import asyncio
import email.utils
import time

import structlog
from aiohttp import web

from controllers.notification.event import InvalidEvent, clean, parse_event, rate_key, without_token
from controllers.notification.intake import Intake
from controllers.notification.measures import Measures
from controllers.notification.serve import Reply, application
from controllers.notification.sightings import Sightings

_READY_SECONDS = 4.0

log = structlog.get_logger()


def create_app(intake: Intake, sightings: Sightings, measures: Measures) -> web.Application:
    async def handle(_request: web.Request, body: bytes) -> Reply:
        try:
            event = clean(parse_event(body))
        except InvalidEvent as error:
            log.info("event refused", error=str(error))
            return Reply(400)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await intake.ready()
        except TimeoutError:
            return Reply(503)
        verdict = sightings.see(rate_key(event))
        reset = email.utils.formatdate(time.time() + verdict.resets_in, usegmt=True)
        headers = {
            "X-RateLimit-Limit": "1",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": reset,
        }
        if not verdict.is_new:
            log.debug("event heard before", object=event.object_path)
            return Reply(429, headers | {"Retry-After": reset}, "Too Many Requests")
        await intake.take(without_token(event))
        return Reply(202, headers)

    return application("event", handle, measures)
