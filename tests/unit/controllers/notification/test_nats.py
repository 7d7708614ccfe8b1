"""A genuine nats-server: every way to log in, and what a wrong one is told."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from controllers.notification.notifiers import nats as notifier
from controllers.notification.outgoing import Answer, Refused, Request, Unavailable
from tests.e2e.processes import free_port
from tests.unit.controllers.notification.words import notice

nats = pytest.importorskip("nats")

SERVER = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
genuine = pytest.mark.skipif(SERVER is None, reason="nats-server is not installed")
# The pair of the NATS documentation on nkeys.
SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"


async def no_request(_request: Request) -> Answer:
    raise AssertionError("nats is not HTTP")


@asynccontextmanager
async def server(folder: Path, *flags: str) -> AsyncIterator[str]:
    port = free_port()
    assert SERVER
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [SERVER, "-a", "127.0.0.1", "-p", str(port), *flags], stdout=log, stderr=log
        )
    try:
        async with asyncio.timeout(10):
            while b"Server is ready" not in (folder / "log").read_bytes():
                assert process.poll() is None, (folder / "log").read_text()
                await asyncio.sleep(0.02)
        yield f"nats://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def test_the_keys_of_the_documentation() -> None:
    assert notifier.public_key(notifier.private_key(SEED)) == PUBLIC


@pytest.mark.parametrize("seed", ["", "SU", SEED[:-1] + "A", "ä", SEED + "AAAA"])
def test_a_seed_that_is_none(seed: str) -> None:
    with pytest.raises(Refused):
        notifier.private_key(seed)


@genuine
async def test_an_event_is_published(tmp_path: Path) -> None:
    async with server(tmp_path, "--user", "u", "--pass", "p") as url:
        listener = await nats.connect(url, user="u", password="p")
        heard = await listener.subscribe("flux")
        await listener.flush()
        given = notice(address=url, channel="flux", username="u", password="p")
        await notifier.notify(given, no_request)
        message = await heard.next_msg(timeout=5)
        assert orjson.loads(message.data) == given.event.render()
        await listener.close()
        with pytest.raises(Refused, match=r"(?i)authorization"):
            await notifier.notify(notice(address=url, channel="flux", username="u", password="x"), no_request)


@genuine
async def test_a_login_by_key(tmp_path: Path) -> None:
    config = tmp_path / "nats.conf"
    config.write_text(f'authorization {{ users: [{{ nkey: "{PUBLIC}" }}] }}')
    async with server(tmp_path, "-c", str(config)) as url:
        await notifier.notify(notice(address=url, channel="flux", nkey=SEED), no_request)
        with pytest.raises(Refused, match=r"(?i)authorization"):
            await notifier.notify(notice(address=url, channel="flux"), no_request)


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ({"address": ""}, Refused),
        ({"address": "http://x"}, Refused),
        ({"address": "nats://169.254.169.254:4222"}, Refused),
        ({"address": "nats://[::1"}, Refused),
        ({"channel": ""}, Refused),
        ({"creds": "no creds"}, Refused),
        ({"nkey": "no seed"}, Refused),
        ({"address": "nats://127.0.0.1:1"}, Unavailable),
    ],
)
async def test_what_does_not_work(spec: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        await notifier.notify(
            notice(**{"address": "nats://127.0.0.1:1", "channel": "flux"} | spec), no_request
        )
