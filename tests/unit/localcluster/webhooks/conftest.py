from collections.abc import AsyncIterator

import pytest

from tests.fakes.webhook_server import WebhookServer, webhook_server


@pytest.fixture
async def hook() -> AsyncIterator[WebhookServer]:
    async with webhook_server() as started:
        yield started
