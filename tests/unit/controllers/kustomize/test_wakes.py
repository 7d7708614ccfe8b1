"""Which Kustomizations a changed source, ConfigMap or Secret concerns (specs/kustomize.md 14)."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.kustomize.configs import Configs
from controllers.kustomize.sources import Consumers
from shared.kube.cache import Cache, Change
from shared.kube.client import KubeClient
from shared.model.kinds import BUCKET, CONFIG_MAP, GIT_REPOSITORY, KUSTOMIZATION, SECRET, Resource
from shared.model.meta import ObjectKey
from tests import make
from tests.unit.shared.kube.fake_api import fake_api, status

KEY = ObjectKey("apps", "repo")


def source(revision: str = "", digest: str = "sha256:0") -> Any:
    artifact = {"url": "http://x", "path": "x", "revision": revision, "digest": digest}
    return make.git_repository() | ({"status": {"artifact": artifact}} if revision else {})


async def cache_of(client: KubeClient, *objects: Any) -> Cache:
    cache = Cache(client, KUSTOMIZATION)
    cache._replace(list(objects))
    return cache


async def refused(_request: object) -> Any:
    return status(500)


BARE = {key: value for key, value in make.kustomization("bare").items() if key != "spec"}
FROM_AFAR = {"sourceRef": {"kind": "GitRepository", "name": "repo", "namespace": "apps"}}
USERS = [
    make.kustomization("here"),
    make.kustomization("far", "elsewhere", **FROM_AFAR),
    make.kustomization("namesake", "elsewhere"),
    make.kustomization("other", sourceRef={"kind": "GitRepository", "name": "other"}),
    BARE,
]
MOVES = {
    "appeared": (source(), source("r1"), GIT_REPOSITORY, True),
    "new": (None, source("r1"), GIT_REPOSITORY, True),
    "another revision": (source("r1"), source("r2"), GIT_REPOSITORY, True),
    "another digest": (source("r1"), source("r1", "sha256:1"), GIT_REPOSITORY, True),
    "the same": (source("r1"), source("r1"), GIT_REPOSITORY, False),
    "lost": (source("r1"), source(), GIT_REPOSITORY, False),
    "gone": (source("r1"), None, GIT_REPOSITORY, False),
    "of another kind": (None, source("r1"), BUCKET, False),
}


@pytest.mark.parametrize(("before", "after", "kind", "wakes"), MOVES.values(), ids=MOVES)
async def test_a_source_wakes_its_consumers(before: Any, after: Any, kind: Resource, wakes: bool) -> None:
    async with fake_api(refused) as client:
        consumers = Consumers(await cache_of(client, *USERS))
    woken = consumers.of(kind, Change(KEY, before, after))
    assert woken == ([ObjectKey("apps", "here"), ObjectKey("elsewhere", "far")] if wakes else [])


REFERENCES = {
    "substituteFrom": ({"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "c"}]}}, CONFIG_MAP),
    "substituteFrom a Secret": (
        {"postBuild": {"substituteFrom": [{"kind": "Secret", "name": "c"}]}},
        SECRET,
    ),
    "decryption": ({"decryption": {"provider": "sops", "secretRef": {"name": "c"}}}, SECRET),
    "kubeConfig": ({"kubeConfig": {"secretRef": {"name": "c"}}}, SECRET),
    "kubeConfig in a ConfigMap": ({"kubeConfig": {"configMapRef": {"name": "c"}}}, CONFIG_MAP),
}


@pytest.mark.parametrize(("spec", "kind"), REFERENCES.values(), ids=REFERENCES)
async def test_a_watched_config_wakes_who_refers_to_it(spec: Any, kind: Resource) -> None:
    async with fake_api(refused) as client:
        configs = Configs(client, "", "watch=Enabled")
        users = await cache_of(client, make.kustomization("user", **spec), make.kustomization("free"), BARE)
        for cache in configs.caches:
            cache.synced.set()
    config = {"metadata": {"name": "c", "namespace": "apps"}}
    change = Change(ObjectKey("apps", "c"), None, config)
    other = SECRET if kind is CONFIG_MAP else CONFIG_MAP
    assert configs.users_of(kind, users, change) == [ObjectKey("apps", "user")]
    assert configs.users_of(other, users, change) == []
    elsewhere = Change(ObjectKey("elsewhere", "c"), None, config)
    assert configs.users_of(kind, users, elsewhere) == []


async def test_what_the_first_list_shows_is_no_news() -> None:
    async with fake_api(refused) as client:
        configs = Configs(client, "", "watch=Enabled")
        spec = {"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "c"}]}}
        users = await cache_of(client, make.kustomization("user", **spec))
    assert configs.users_of(CONFIG_MAP, users, Change(ObjectKey("apps", "c"), None, {})) == []
