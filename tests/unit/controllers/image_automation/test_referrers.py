from __future__ import annotations

from typing import Any

import pytest

from controllers.image_automation.referrers import Referrers, is_news
from shared.kube.cache import Change
from shared.model.meta import Object, ObjectKey

REPOSITORY = ObjectKey("apps", "app")


def policy(name: str = "web", repository: str = "app", namespace: str = "") -> Object:
    ref = {"name": repository} | ({"namespace": namespace} if namespace else {})
    return {"metadata": {"name": name, "namespace": "apps"}, "spec": {"imageRepositoryRef": ref}}


def repository(revision: str = "1", *, ready: str = "True", **spec: Any) -> Object:
    condition = {"type": "Ready", "status": ready}
    scan = {"lastScanResult": {"revision": revision}} if revision else {}
    return {"spec": {"image": "x", **spec}, "status": {"conditions": [condition], **scan}}


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        (None, repository(), True),
        (repository(), None, True),
        (repository(""), repository("1"), True),
        (repository("1"), repository("2"), True),
        (repository("1"), repository("1"), False),
        (repository(), repository(image="y"), True),
        (repository(), repository(accessFrom={"namespaceSelectors": []}), True),
        (repository(), repository(interval="5m"), False),
        (repository(ready="Unknown"), repository(ready="True"), True),
        (repository(ready="True"), repository(ready="False"), False),
        (repository(ready="False"), repository(ready="Unknown"), False),
    ],
)
def test_what_is_news_for_a_policy(before: Object | None, after: Object | None, news: bool) -> None:
    assert is_news(Change(REPOSITORY, before, after)) is news


def test_an_index_follows_the_policies() -> None:
    referrers = Referrers()
    changed = Change(REPOSITORY, None, repository())
    web, other = ObjectKey("apps", "web"), ObjectKey("apps", "other")
    referrers.note(Change(web, None, policy()))
    referrers.note(Change(other, None, policy("other", namespace="apps")))
    assert referrers.concerned(changed) == [other, web]
    referrers.note(Change(other, policy("other", namespace="apps"), policy("other", namespace="elsewhere")))
    assert referrers.concerned(changed) == [web]
    referrers.note(Change(web, policy(), None))
    assert referrers.concerned(changed) == []
    assert referrers.concerned(Change(ObjectKey("elsewhere", "app"), None, repository())) == [other]


def test_a_policy_without_a_reference_does_no_harm() -> None:
    referrers = Referrers()
    broken: Object = {"metadata": {"name": "web", "namespace": "apps"}, "spec": None}
    referrers.note(Change(ObjectKey("apps", "web"), None, broken))
    referrers.note(Change(ObjectKey("apps", "web"), broken, None))
