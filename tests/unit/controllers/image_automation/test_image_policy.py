"""What a policy remembers, records and says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from controllers.image_automation.image_policy import Deps, _compiled, _latest, _message
from controllers.image_automation.tag_store import TagStore
from shared.model.image import ImagePolicy, ImageRef
from shared.model.meta import ObjectKey
from shared.oci.reference import Repository

REPOSITORY = Repository("ghcr.io", "org/app")
SOURCE = ObjectKey("apps", "app")


def policy(**spec: Any) -> ImagePolicy:
    given = {"imageRepositoryRef": {"name": "app"}, "policy": {"semver": {"range": "*"}}, **spec}
    return ImagePolicy.parse({"metadata": {"name": "web", "namespace": "apps"}, "spec": given})


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    nobody = cast("Any", None)
    return Deps(nobody, nobody, nobody, TagStore(tmp_path), timedelta(seconds=30), nobody)


async def latest(deps: Deps, chosen: ImagePolicy) -> str | None:
    return await _latest(deps, chosen, REPOSITORY, *_compiled(chosen))


async def test_a_choice_is_remembered_while_tags_and_rules_are_the_same(deps: Deps) -> None:
    web = policy()
    deps.store.keep(SOURCE, str(REPOSITORY), ["1.1.0", "1.0.0"])
    assert await latest(deps, web) == "1.1.0"
    deps.memory[web.key] = replace(deps.memory[web.key], tag="remembered")
    assert await latest(deps, web) == "remembered"

    assert await latest(deps, policy(filterTags={"pattern": "0.0$"})) == "1.0.0"
    assert await latest(deps, policy(policy={"alphabetical": {}})) == "1.1.0"
    deps.store.keep(SOURCE, str(REPOSITORY), ["1.2.0", "1.1.0"])
    assert await latest(deps, policy(policy={"alphabetical": {}})) == "1.2.0"
    deps.forget(web.key)
    assert deps.memory == {}


async def test_tags_of_another_image_are_none(deps: Deps) -> None:
    assert await latest(deps, policy()) is None
    deps.store.keep(SOURCE, "quay.io/org/app", ["1.0.0"])
    assert await latest(deps, policy()) is None
    deps.store.keep(SOURCE, str(REPOSITORY), ["1.0.0"])
    assert await latest(deps, policy()) == "1.0.0"
    deps.store.keep(SOURCE, "quay.io/org/app", ["1.0.0"])
    assert await latest(deps, policy()) is None


# specs/image.md 22.2
@pytest.mark.parametrize(
    ("chosen", "previous", "message"),
    [
        (ImageRef("app", "1.0.0"), None, "Latest image tag for app resolved to 1.0.0"),
        (
            ImageRef("app", "1.0.1"),
            ImageRef("app", "1.0.0"),
            "Latest image tag for app resolved to 1.0.1 (previously app:1.0.0)",
        ),
        (
            ImageRef("app", "1.0.1", "sha256:x"),
            ImageRef("app", "1.0.1"),
            "Latest image tag for app resolved to 1.0.1 with digest sha256:x (previously app:1.0.1)",
        ),
        (
            ImageRef("app", "1.0.1"),
            ImageRef("app", "1.0.1", "sha256:x"),
            "Latest image tag for app resolved to 1.0.1 (previously app:1.0.1@sha256:x)",
        ),
    ],
)
def test_messages(chosen: ImageRef, previous: ImageRef | None, message: str) -> None:
    assert _message(chosen, previous) == message
