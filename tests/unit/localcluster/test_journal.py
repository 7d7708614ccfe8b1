"""What was acknowledged survives: a clean stop, and a kill in the middle of writing."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import aiohttp

from tests.fakes.localcluster_server import RunningCluster, config_map, definition, running_cluster

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"
WRITES = 200


async def test_state_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with running_cluster(data=tmp_path / "state.db") as cluster:
        await cluster.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition())
        await cluster.until(WIDGETS)
        made = (await cluster.request("POST", CONFIG_MAPS, config_map("a", x="1"))).body
        await cluster.request("POST", CONFIG_MAPS, config_map("b"))
        await cluster.request("DELETE", f"{CONFIG_MAPS}/b")
    async with running_cluster(data=tmp_path / "state.db") as cluster:
        assert (await cluster.request("GET", f"{CONFIG_MAPS}/a")).body == made
        assert (await cluster.request("GET", f"{CONFIG_MAPS}/b")).status == 404
        assert (await cluster.request("GET", WIDGETS)).status == 200
        later = (await cluster.request("POST", CONFIG_MAPS, config_map("c"))).body
        assert int(later["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
        gone = await cluster.request("GET", f"{CONFIG_MAPS}?resourceVersion=1001&resourceVersionMatch=Exact")
        assert gone.status == 410


async def _start(folder: Path) -> tuple[asyncio.subprocess.Process, str]:
    config = folder / "kubeconfig"
    config.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "localcluster", "--kubeconfig", str(config), "--token", "t", "--insecure-http"),
        *("--data", str(folder / "state.db")),
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(20):
        while not config.exists():
            await asyncio.sleep(0.02)
    assert config.stat().st_mode & 0o777 == 0o600
    return process, json.loads(config.read_text())["clusters"][0]["cluster"]["server"]


async def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    process, url = await _start(tmp_path)
    acknowledged: list[str] = []
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer t"}) as session:

        async def write(name: str) -> None:
            async with session.post(url + CONFIG_MAPS, json=config_map(name)) as response:
                if response.status == 201:
                    acknowledged.append(name)
            if len(acknowledged) == WRITES // 2:
                os.kill(process.pid, signal.SIGKILL)

        writes = [write(f"n{number}") for number in range(WRITES)]
        await asyncio.gather(*writes, return_exceptions=True)
        await process.wait()
        assert WRITES // 2 <= len(acknowledged) <= WRITES
        process, url = await _start(tmp_path)
        async with session.get(url + CONFIG_MAPS) as response:
            kept = {item["metadata"]["name"] for item in (await response.json())["items"]}
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await process.wait() == 0
    assert set(acknowledged) <= kept


async def test_many_writes_share_a_commit(tmp_path: Path) -> None:
    async with running_cluster(data=tmp_path / "state.db") as cluster:
        names = [f"n{number}" for number in range(50)]
        replies = await asyncio.gather(*(cluster.request("POST", CONFIG_MAPS, config_map(n)) for n in names))
        assert {reply.status for reply in replies} == {201}
        assert isinstance(cluster, RunningCluster)
