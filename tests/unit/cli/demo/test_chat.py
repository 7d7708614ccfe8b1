"""The demo's chat keeps what Slack would have shown."""

from __future__ import annotations

import time
from typing import Any

import aiohttp
import pytest

from cli.demo import chat


def slack(color: str, value: str) -> dict[str, Any]:
    fields = [{"title": "revision", "value": value}]
    one = {"author_name": "kustomization/shop", "text": "done", "color": color, "fields": fields}
    return {"attachments": [one]}


async def test_a_message_is_found_by_its_commit() -> None:
    async with chat.serving() as room, aiohttp.ClientSession() as session:
        for color, value in (("danger", "sha1:aaa"), ("good", "sha1:bbb")):
            async with session.post(room.url, json=slack(color, value)) as response:
                assert response.status == 200
        bad, _ = await room.hear("kustomization/shop", "aaa", bad=True, since=time.monotonic())
        good, _ = await room.hear("kustomization/shop", "bbb", bad=False, since=time.monotonic())
    assert (bad.fields, good.fields) == (("sha1:aaa",), ("sha1:bbb",))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"attachments": [{}]}'])
async def test_what_is_no_message_is_refused(body: bytes) -> None:
    async with chat.serving() as room, aiohttp.ClientSession() as session:
        async with session.post(room.url, data=body) as response:
            assert response.status == 400
        assert room.messages == []
