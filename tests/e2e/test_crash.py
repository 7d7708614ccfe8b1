"""kill -9 at any point: after a restart the cluster is what git says, with nothing orphaned."""

from __future__ import annotations

import asyncio
import random
import secrets
from pathlib import Path

import pytest

from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.model.kinds import CONFIG_MAP, GIT_REPOSITORY, KUSTOMIZATION
from tests.e2e.conftest import NAMESPACE, Cluster, start_controllers
from tests.e2e.repository import Repository, config_map
from tests.e2e.world import World, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

KILLS = 20
OWNED = "kustomize.toolkit.fluxcd.io/name=web"


async def test_twenty_kills(
    cluster: Cluster, client: KubeClient, repository: Repository, tmp_path: Path
) -> None:
    run_id, seed = secrets.token_hex(4), random.randrange(2**32)
    dice = random.Random(seed)
    namespace = f"hw-{run_id}"
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    world = World(client, Discovery(client), namespace, run_id, cluster.kubeconfig)
    programs = start_controllers(cluster, run_id, tmp_path)
    try:
        wanted = dict.fromkeys("abcdefgh", "0")
        repository.commit({f"{name}.yaml": config_map(name, value=value) for name, value in wanted.items()})
        await world.git_repository(url=repository.url, ref={"branch": "main"}, interval="2s")
        await world.kustomization(targetNamespace=namespace, interval="5s")

        revision = ""
        for kill in range(KILLS):
            revision, wanted = _mutate(repository, wanted, dice, kill)
            await world.request(GIT_REPOSITORY, "repo")
            await asyncio.sleep(dice.uniform(0, 0.6))
            victim = dice.choice([programs.source, programs.kustomize])
            victim.kill()
            victim.start()

        await world.request(GIT_REPOSITORY, "repo")
        await world.ready(KUSTOMIZATION, "web", revision=revision, seconds=60)

        async def as_in_git() -> bool:
            live = await client.list(CONFIG_MAP, namespace, label_selector=OWNED)
            return {item["metadata"]["name"]: item["data"]["value"] for item in live.items} == wanted

        await eventually(as_in_git, seconds=20)
        status = (await world.get(KUSTOMIZATION, "web"))["status"]
        assert {entry["id"] for entry in status["inventory"]["entries"]} == {
            f"{namespace}_{name}__ConfigMap" for name in wanted
        }
    except BaseException:
        print(f"seed {seed}\n{programs.source.tail()}\n{programs.kustomize.tail()}")
        raise
    finally:
        await world.clean_up()
        programs.kustomize.stop()
        programs.source.stop()
        await client.delete(NAMESPACE, "", namespace)


def _mutate(
    repository: Repository, wanted: dict[str, str], dice: random.Random, kill: int
) -> tuple[str, dict[str, str]]:
    """One commit that adds, changes or removes; returns its revision and what should exist then."""
    after = dict(wanted)
    removed: tuple[str, ...] = ()
    match dice.choice(["add", "change", "remove"]):
        case "add":
            after[f"n{kill}"] = str(kill)
        case "remove" if len(after) > 2:
            gone = dice.choice(sorted(after))
            del after[gone]
            removed = (f"{gone}.yaml",)
        case _:
            after[dice.choice(sorted(after))] = str(kill)
    files = {f"{name}.yaml": config_map(name, value=value) for name, value in after.items()}
    return repository.commit(files, remove=removed), after
