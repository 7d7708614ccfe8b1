from __future__ import annotations

from typing import Any

import pytest

from controllers.kustomize.prune_guard import PruneGuard
from shared.model.meta import ObjectRef
from tests import make


def config_maps(count: int) -> list[ObjectRef]:
    return [ObjectRef("v1", "ConfigMap", "apps", f"c{n}") for n in range(count)]


NAMESPACE = ObjectRef("v1", "Namespace", "", "shop")
CRD = ObjectRef("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "x.example.com")
CLAIM = ObjectRef("v1", "PersistentVolumeClaim", "apps", "data")
NOT_OURS = ObjectRef("example.com/v1", "Namespace", "", "x")

CASES: dict[str, tuple[int, list[ObjectRef], int, str]] = {
    "off": (0, [NAMESPACE, *config_maps(9)], 10, ""),
    "nothing is stale": (30, [], 10, ""),
    "as much as is allowed": (30, config_maps(3), 10, ""),
    "one more": (30, config_maps(4), 10, "4 of 10 objects, more than 30 %: ConfigMap/apps/c0, "),
    "an empty build": (99, config_maps(1), 1, "1 of 1 objects, more than 99 %"),
    "all of it, where that is allowed": (100, config_maps(5), 5, ""),
    "a namespace": (100, [NAMESPACE], 1000, "would delete Namespace/shop;"),
    "a definition": (100, [CRD], 1000, "would delete CustomResourceDefinition/x.example.com;"),
    "a claim among others": (100, [*config_maps(1), CLAIM], 1000, "PersistentVolumeClaim/apps/data;"),
    "somebody else's kind of that name": (100, [NOT_OURS], 1000, ""),
    "very many": (1, config_maps(1000), 1000, "c9 and 990 more;"),
}


@pytest.mark.parametrize(("percent", "stale", "recorded", "words"), CASES.values(), ids=CASES)
def test_what_is_held_back(percent: int, stale: list[ObjectRef], recorded: int, words: str) -> None:
    objection = PruneGuard(percent).objection(stale, recorded, make.kustomization())
    assert words in objection
    assert bool(objection) is bool(words)
    assert len(objection) < 1_000


@pytest.mark.parametrize(("value", "allowed"), [("true", True), ("True", True), ("no", False), ("", False)])
def test_somebody_can_say_yes(value: str, allowed: bool) -> None:
    kustomization: Any = make.kustomization()
    kustomization["metadata"]["annotations"] = {"headwater.dev/allow-prune": value}
    assert (PruneGuard(10).objection([NAMESPACE], 1, kustomization) == "") is allowed
