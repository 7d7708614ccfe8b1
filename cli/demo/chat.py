"""A chat that somebody reads: it takes messages in Slack's format on loopback and keeps them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from cli.demo.loopback import served
from cli.demo.waiting import NotSeen

_PATIENCE_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Message:
    """`about` is the object, `fields` the table below the text."""

    about: str
    text: str
    bad: bool
    fields: tuple[str, ...]


@dataclass(slots=True)
class Chat:
    url: str = ""
    messages: list[Message] = field(default_factory=list)
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def hear(self, about: str, commit: str, *, bad: bool, since: float) -> tuple[Message, float]:
        """The first message of an object on a commit, and its seconds after `since` (time.monotonic()).

        Raises NotSeen.
        """

        def found() -> Message | None:
            fitting = (one for one in self.messages if one.about == about and one.bad == bad)
            return next((one for one in fitting if any(commit in value for value in one.fields)), None)

        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._more:
                await self._more.wait_for(found)
        except TimeoutError:
            raise NotSeen(f"a message about {about}: not seen within {_PATIENCE_SECONDS:.0f} s") from None
        message = found()
        assert message is not None
        return message, time.monotonic() - since

    async def take(self, request: web.Request) -> web.Response:
        """What Slack calls an incoming webhook."""
        try:
            said = [_read(one) for one in orjson.loads(await request.read())["attachments"]]
        except (ValueError, KeyError, TypeError) as error:
            raise web.HTTPBadRequest(text="invalid_payload") from error
        async with self._more:
            self.messages += said
            self._more.notify_all()
        return web.Response(text="ok")


def _read(attachment: dict[str, Any]) -> Message:
    fields = tuple(str(one["value"]) for one in attachment.get("fields") or ())
    bad = attachment["color"] == "danger"
    return Message(attachment["author_name"], attachment["text"], bad, fields)


@asynccontextmanager
async def serving() -> AsyncIterator[Chat]:
    """`url` of the chat is where a Provider sends to."""
    chat = Chat()
    app = web.Application()
    app.router.add_post("/hooks/deploys", chat.take)
    async with served(app) as host:
        chat.url = f"http://{host}/hooks/deploys"
        yield chat
