from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.model.image import ImagePolicy, ImageRef, ImageRepository, PolicyRule, ScanResult
from shared.model.image_update import ImageUpdateAutomation
from shared.model.meta import ObjectKey

METADATA = {"name": "app", "namespace": "apps"}


def repository(**spec: Any) -> ImageRepository:
    given = {"image": "x", "interval": "1h"} | spec
    return ImageRepository.parse({"metadata": METADATA, "spec": given})


@pytest.mark.parametrize(
    ("spec", "timeout"),
    [
        ({}, 600),
        ({"interval": "90s"}, 90),
        ({"timeout": "30s"}, 30),
        ({"timeout": "20m"}, 1200),
        ({"timeout": "10ms"}, 1),
    ],
)
def test_the_timeout_of_a_scan(spec: dict[str, str], timeout: int) -> None:
    assert repository(**spec).timeout == timedelta(seconds=timeout)


@pytest.mark.parametrize(
    ("given", "used"), [(None, (r"^.*\.sig$",)), ([], (r"^.*\.sig$",)), (["b", "a"], ("b", "a"))]
)
def test_exclusions_replace_the_default(given: list[str] | None, used: tuple[str, ...]) -> None:
    assert repository(exclusionList=given).exclusions == used


@pytest.mark.parametrize(
    ("given", "sets"),
    [
        (None, None),
        ({"namespaceSelectors": []}, ()),
        ({"namespaceSelectors": [{"matchLabels": {"a": "b"}}, {}]}, ({"a": "b"}, {})),
    ],
)
def test_access(given: object, sets: object) -> None:
    assert repository(accessFrom=given).access_from == sets


@pytest.mark.parametrize("spec", [{"interval": "soon"}, {"provider": "ibm"}, {"timeout": "-1s"}])
def test_what_got_past_the_schema_is_refused(spec: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"soon|ibm|-1s"):
        repository(**spec)


@pytest.mark.parametrize(
    ("ref", "text"),
    [
        (ImageRef("ghcr.io/org/app", "1.0"), "ghcr.io/org/app:1.0"),
        (ImageRef("ghcr.io/org/app", "1.0", "sha256:1"), "ghcr.io/org/app:1.0@sha256:1"),
    ],
)
def test_references(ref: ImageRef, text: str) -> None:
    assert (str(ref), ImageRef.parse(ref.render())) == (text, ref)


@pytest.mark.parametrize("latest", [(), ("2", "1")])
def test_scan_results(latest: tuple[str, ...]) -> None:
    result = ScanResult("580584407", 2, datetime(2026, 1, 1, tzinfo=UTC), latest)
    assert ScanResult.parse(result.render()) == result
    assert ("latestTags" in result.render()) is bool(latest)


def test_rules() -> None:
    assert PolicyRule.parse({"alphabetical": {}, "numerical": {"order": "desc"}}) == PolicyRule(
        None, "asc", "desc"
    )
    with pytest.raises(KeyError):
        PolicyRule.parse({"semver": {}})


def test_references_to_a_repository() -> None:
    spec: dict[str, Any] = {"imageRepositoryRef": {"name": "app"}, "policy": {}}
    assert ImagePolicy.parse({"metadata": METADATA, "spec": spec}).repository == ObjectKey("apps", "app")
    spec["imageRepositoryRef"]["namespace"] = "shared"
    assert ImagePolicy.parse({"metadata": METADATA, "spec": spec}).repository == ObjectKey("shared", "app")


def test_an_automation_with_no_more_than_it_needs() -> None:
    spec = {"interval": "30m", "sourceRef": {"kind": "GitRepository", "name": "fleet"}}
    automation = ImageUpdateAutomation.parse({"metadata": METADATA, "spec": spec})
    assert (automation.source, automation.git) == (ObjectKey("apps", "fleet"), None)
    assert (automation.update.strategy, automation.update.path) == ("Setters", "")
    commit = {"author": {"email": "bot@example.com"}}
    spec |= {"git": {"commit": commit, "checkout": {"ref": {"branch": "main"}}, "push": {"branch": "b"}}}
    git = ImageUpdateAutomation.parse({"metadata": METADATA, "spec": spec}).git
    assert git is not None
    assert git.checkout is not None
    assert git.push is not None
    assert (git.checkout.branch, git.push.branch, git.commit.author_name) == ("main", "b", "")
    assert git.commit.template == "Update from image update automation"
