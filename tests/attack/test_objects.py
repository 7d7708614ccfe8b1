"""Objects that build well and are still a danger to whoever applies them (demands 3.3: 20, 21, 28-30, 63)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import yaml

from shared.kube.errors import Invalid
from shared.model.kinds import CONFIG_MAP, KUSTOMIZATION
from shared.model.meta import Object
from tests.attack import archives
from tests.attack.arena import Arena
from tests.attack.test_documents import noise
from tests.e2e.repository import config_map, manifest
from tests.e2e.world import RUN_LABEL, condition

pytestmark = pytest.mark.e2e


def named(name: str, **metadata: object) -> str:
    metadata = {"name": name, **metadata}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


EVIL: dict[str, tuple[Callable[[], str], str]] = {
    "a name of a megabyte": (lambda: named(noise(2**20)), "longer than"),
    "a name with underscores": (lambda: named("a_b"), "a_b"),
    "a name that climbs": (lambda: named("../../../api/v1/namespaces/default"), "namespaces/default"),
    "a name with a query": (lambda: named("a?dryRun=All#"), "dryRun"),
    "a name that runs backwards": (lambda: named("a\u202egnp.exe"), "a"),
    "a kind that climbs": (lambda: manifest("v1", "../../Secret", "x"), "Secret"),
    "a kind with underscores": (lambda: manifest("v1", "Config_Map", "x"), "Config_Map"),
    "a version that climbs": (lambda: manifest("../../api/v1", "ConfigMap", "x"), "ConfigMap"),
    "three megabytes": (lambda: config_map("big", a=noise(3 * 2**20)), "ConfigMap/.*/big"),
    "a number over 64 bits": (
        lambda: (
            "apiVersion: v1\nkind: Service\nmetadata: {name: n}\nspec: {ports: [{port: 99999999999999999999999}]}\n"
        ),
        "Service.*n",
    ),
    "infinity": (
        lambda: "apiVersion: v1\nkind: Service\nmetadata: {name: n}\nspec: {ports: [{port: .inf}]}\n",
        "n",
    ),
    "labels that are numbers": (lambda: named("x", labels={"a": 1, "b": True}), "quote|string|ConfigMap"),
}


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL.keys())
async def test_an_evil_object_is_refused_and_forgotten(
    arena: Arena, evil: tuple[Callable[[], str], str]
) -> None:
    make, words = evil
    await arena.source("evil", archives.of_files({"a.yaml": config_map("half"), "evil.yaml": make()}))
    await arena.kustomization()
    await arena.neighbour_moves()
    obj = await arena.world.until(KUSTOMIZATION, "victim", _failed)
    ready = condition(obj, "Ready")
    assert ready["reason"] in ("BuildFailed", "ReconciliationFailed"), ready
    assert re.search(words, ready["message"]), ready["message"]
    assert len(ready["message"]) < 8_000
    arena.require_unharmed()

    await arena.source("evil", archives.of_files({"a.yaml": config_map("half", mended="yes")}))
    await arena.world.request(KUSTOMIZATION, "victim")
    ks = await arena.world.ready(KUSTOMIZATION, "victim")
    assert [entry["id"] for entry in ks["status"]["inventory"]["entries"]] == [
        f"{arena.world.namespace}_half__ConfigMap"
    ]


def _failed(obj: Object) -> bool:
    return condition(obj, "Ready").get("status") == "False"


async def test_objects_without_a_spec_stop_nobody(arena: Arena) -> None:
    """The schema of the API asks for none, so the server lets them in."""
    metadata = {"namespace": arena.world.namespace, "labels": {RUN_LABEL: arena.world.run_id}}
    bare = {"apiVersion": KUSTOMIZATION.api_version, "kind": "Kustomization"}
    await arena.world.client.create(KUSTOMIZATION, bare | {"metadata": {"name": "bare", **metadata}})
    await arena.kustomization("victim", source="good", path="./", dependsOn=[{"name": "bare"}])
    await arena.neighbour_moves()
    ks = await arena.world.until(KUSTOMIZATION, "bare", _failed)
    assert "spec" in condition(ks, "Ready")["message"]
    await arena.refused("DependencyNotReady", "bare' is not ready")
    await arena.world.client.delete(KUSTOMIZATION, arena.world.namespace, "bare")
    await arena.world.gone(KUSTOMIZATION.api_version, "Kustomization", "bare")
    arena.require_unharmed()


@pytest.mark.parametrize(
    "spec",
    [
        {"interval": "99999999999999h"},
        {"timeout": "9999999999h"},
        {"interval": "0s", "retryInterval": "0s"},
        {"path": "../" * 1_000},
        {"path": "a\0b"},
        {"path": "x" * 100_000},
        {"targetNamespace": "../kube-system"},
        {"namePrefix": "../"},
        {"serviceAccountName": "system:masters"},
        {"patches": [{"patch": "- op: add\n", "target": {"name": "(a+)+$"}}]},
        {"patches": [{"patch": "[]", "target": {"name": "("}}]},
        {"ignore": [{"paths": ["x"], "target": {"name": "("}}]},
        {"components": ["https://169.254.169.254/x"]},
        {"components": ["../../../../etc"]},
        {"healthChecks": [{"kind": "../x", "name": "../y"}], "timeout": "30s"},
        {"images": [{"name": "(", "newTag": "1"}]},
    ],
    ids=lambda spec: str(spec)[:60],
)
async def test_an_odd_spec_ends_in_a_condition(arena: Arena, spec: dict[str, object]) -> None:
    await arena.source("evil", archives.of_files({"a.yaml": config_map("half")}))
    try:
        await arena.kustomization(**spec)
    except Invalid:
        return  # the API server keeps it out
    await arena.neighbour_moves()
    await arena.world.until(KUSTOMIZATION, "victim", lambda obj: bool(condition(obj, "Ready")), seconds=20)
    await arena.neighbour_moves()
    arena.require_unharmed()


async def test_a_thousand_objects_leave_room_for_others(arena: Arena) -> None:
    files = {f"{n}.yaml": config_map(f"c{n}", key="x" * 100) for n in range(1_000)}
    await arena.source("evil", archives.of_files(files))
    await arena.kustomization()
    await arena.neighbour_moves()
    ks = await arena.world.ready(KUSTOMIZATION, "victim", seconds=60)
    assert len(ks["status"]["inventory"]["entries"]) == 1_000
    assert await arena.world.client.find(CONFIG_MAP, arena.world.namespace, "c999") is not None
