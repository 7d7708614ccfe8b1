from collections.abc import AsyncIterator

import pytest

from tests.fakes.localcluster_server import RunningCluster, running_cluster


@pytest.fixture
async def cluster() -> AsyncIterator[RunningCluster]:
    async with running_cluster() as started:
        yield started
