from __future__ import annotations

import secrets
from typing import Any

import pytest

from controllers.helm.actions.errors import ActionFailed
from controllers.helm.actions.install import install
from controllers.helm.actions.requests import CrdPolicy, Install, Upgrade
from controllers.helm.actions.upgrade import upgrade
from shared.kube.client import KubeClient
from shared.model.kinds import Resource
from shared.model.meta import Object
from tests.fakes.localcluster_server import definition
from tests.unit.controllers.helm.actions.stage import ORIGIN, Stage, config_map, waits

DEFINITIONS = Resource(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)


@pytest.fixture
def group() -> str:
    return f"{secrets.token_hex(3)}.example.com"


def widget(group: str) -> Object:
    return {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {}}


async def find(client: KubeClient, group: str) -> dict[str, Any] | None:
    return await client.find(DEFINITIONS, "", f"widgets.{group}")


async def run(stage: Stage, policy: CrdPolicy, *objects: Object, **crds: Object) -> None:
    stage.chart(*objects, **crds)
    await install(stage.tools, Install(stage.content(crds=policy), waits()))


async def test_definitions_go_before_what_they_define(stage: Stage, group: str) -> None:
    await run(stage, CrdPolicy.CREATE, widget(group), widgets=definition(group))

    live = await find(stage.client, group)
    assert live is not None
    assert ORIGIN.items() <= live["metadata"]["labels"].items()
    assert "meta.helm.sh/release-name" not in live["metadata"].get("annotations", {})


async def test_templates_learn_of_the_new_kinds(stage: Stage, group: str) -> None:
    await run(stage, CrdPolicy.CREATE, config_map("settings"), widgets=definition(group))

    first, second = stage.templates.requests
    assert second.capabilities.api_versions - first.capabilities.api_versions == {
        f"{group}/v1",
        f"{group}/v1/Widget",
    }


@pytest.mark.parametrize(
    ("policy", "shown"),
    [(CrdPolicy.SKIP, ["wid"]), (CrdPolicy.CREATE, ["wid"]), (CrdPolicy.CREATE_REPLACE, ["widg"])],
)
async def test_what_happens_to_definitions_that_are_there(
    stage: Stage, group: str, policy: CrdPolicy, shown: list[str]
) -> None:
    def named(short: str) -> Object:
        obj = definition(group)
        obj["spec"]["names"]["shortNames"] = [short]
        return obj

    await run(stage, CrdPolicy.CREATE, widgets=named("wid"))
    stage.chart(config_map("settings"), widgets=named("widg"))
    await upgrade(stage.tools, Upgrade(stage.content(crds=policy), waits()))

    live = await find(stage.client, group)
    assert live is not None
    assert live["spec"]["names"]["shortNames"] == shown


async def test_skipped_definitions_are_not_created(stage: Stage, group: str) -> None:
    await run(stage, CrdPolicy.SKIP, config_map("settings"), widgets=definition(group))

    assert await find(stage.client, group) is None


async def test_other_kinds_in_the_folder_are_left_out(stage: Stage, group: str) -> None:
    await run(stage, CrdPolicy.CREATE, widgets=definition(group), other=config_map("settings"))

    assert await stage.data("settings") is None
    assert "ConfigMap/settings in crds/ is no CustomResourceDefinition and is left out" in stage.stages


async def test_a_refused_definition_stores_nothing(stage: Stage, group: str) -> None:
    broken = definition(group)
    broken["spec"]["scope"] = "Nowhere"

    with pytest.raises(ActionFailed) as failure:
        await run(stage, CrdPolicy.CREATE, config_map("settings"), widgets=broken)

    assert failure.value.release is None
    assert failure.value.message.startswith(
        f"failed to apply CustomResourceDefinitions: CustomResourceDefinition/widgets.{group}: "
    )
    assert await stage.heads() == []
