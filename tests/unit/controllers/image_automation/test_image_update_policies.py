"""Which policies an automation takes its images from, and which changes wake it."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.image_automation.image_update_policies import Concerned, Policies
from shared.kube.cache import Cache, Change
from shared.kube.client import KubeClient
from shared.model.image import ImageRef
from shared.model.image_update import ImageUpdateAutomation
from shared.model.kinds import IMAGE_POLICY, IMAGE_UPDATE_AUTOMATION, Resource
from shared.model.meta import Object, ObjectKey
from shared.runtime.failure import Stalled


def policy(name: str, tag: str = "", namespace: str = "apps", **labels: str) -> Object:
    status = {"latestRef": {"name": "app", "tag": tag}} if tag else {"conditions": []}
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}, "status": status}


def automation(name: str = "auto", namespace: str = "apps", **spec: Any) -> Object:
    given = {"interval": "1h", "sourceRef": {"kind": "GitRepository", "name": "repo"}}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": given | spec}


class Offline(KubeClient):
    """Nothing may be asked for: the caches are complete."""

    def __init__(self) -> None:
        pass


def cache_of(resource: Resource, *objects: Object) -> Cache:
    cache = Cache(Offline(), resource)
    cache._objects = {ObjectKey.of(obj): obj for obj in objects}
    cache.synced.set()
    return cache


POLICIES = (
    policy("web", "1.0.0", team="web"),
    policy("db", "2.0.0", team="db"),
    policy("plain", "3.0.0"),
    policy("undecided", team="web"),
    policy("foreign", "4.0.0", "other", team="web"),
)


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        pytest.param(None, ["db", "plain", "web"], id="none"),
        pytest.param({}, ["db", "plain", "web"], id="an empty one"),
        pytest.param({"matchLabels": {"team": "web"}}, ["web"], id="a label"),
        pytest.param(
            {"matchExpressions": [{"key": "team", "operator": "In", "values": ["db", "web"]}]},
            ["db", "web"],
            id="In",
        ),
        pytest.param(
            {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["db"]}]},
            ["plain", "web"],
            id="NotIn",
        ),
        pytest.param(
            {"matchExpressions": [{"key": "team", "operator": "Exists"}]}, ["db", "web"], id="Exists"
        ),
        pytest.param(
            {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, ["plain"], id="absent"
        ),
        pytest.param({"matchLabels": {"team": "none"}}, [], id="nobody"),
    ],
)
async def test_selection(selector: dict[str, Any] | None, names: list[str]) -> None:
    policies = Policies(Offline(), cache_of(IMAGE_POLICY, *POLICIES))

    found = await policies.selected(ImageUpdateAutomation.parse(automation(policySelector=selector)))

    assert list(found) == names
    assert "web" not in found or found["web"] == ImageRef("app", "1.0.0")


@pytest.mark.parametrize(
    "selector",
    [
        {"matchExpressions": [{"key": "team", "operator": "Like", "values": ["x"]}]},
        {"matchExpressions": [{"key": "team", "operator": "In"}]},
        {"matchExpressions": [{"key": "team", "operator": "Exists", "values": ["x"]}]},
        {"matchExpressions": [{"operator": "Exists"}]},
        {"matchLabels": {"team": "a b"}},
        {"matchLabels": {"-": "x"}},
    ],
)
async def test_selectors_that_select_nothing_sensible(selector: dict[str, Any]) -> None:
    policies = Policies(Offline(), cache_of(IMAGE_POLICY))

    with pytest.raises(Stalled, match="failed to parse policy selector") as raised:
        await policies.selected(ImageUpdateAutomation.parse(automation(policySelector=selector)))

    assert raised.value.reason == "InvalidPolicySelector"


ALL = (
    automation("one"),
    automation("two", policySelector={"matchLabels": {"team": "none"}}),
    automation("far", "other", sourceRef={"kind": "GitRepository", "name": "repo", "namespace": "apps"}),
    automation("else", "other"),
)


@pytest.mark.parametrize(
    ("before", "after", "woken"),
    [
        pytest.param(policy("web", "1"), policy("web", "2"), ["one", "two"], id="another tag"),
        pytest.param(policy("web"), policy("web", "2"), ["one", "two"], id="the first"),
        pytest.param(policy("web", "1"), policy("web", "1", team="x"), [], id="the same"),
        pytest.param(policy("web", "1"), policy("web"), [], id="none any more"),
        pytest.param(None, policy("web", "1"), [], id="new"),
        pytest.param(policy("web", "1"), None, [], id="gone"),
    ],
)
def test_policies_that_wake(before: Object | None, after: Object | None, woken: list[str]) -> None:
    concerned = Concerned(cache_of(IMAGE_UPDATE_AUTOMATION, *ALL))

    keys = concerned.by_policy(Change(ObjectKey("apps", "web"), before, after))

    assert keys == [ObjectKey("apps", name) for name in woken]


def repository(generation: int) -> Object:
    return {"metadata": {"name": "repo", "namespace": "apps", "generation": generation}}


@pytest.mark.parametrize(
    ("before", "after", "woken"),
    [
        (repository(1), repository(2), ["apps/one", "apps/two", "other/far"]),
        (repository(1), repository(1), []),
        (None, repository(1), []),
        (repository(1), None, []),
    ],
    ids=["another spec", "another artifact", "new", "gone"],
)
def test_repositories_that_wake(before: Object | None, after: Object | None, woken: list[str]) -> None:
    concerned = Concerned(cache_of(IMAGE_UPDATE_AUTOMATION, *ALL))

    keys = concerned.by_repository(Change(ObjectKey("apps", "repo"), before, after))

    assert [str(key) for key in keys] == woken
