"""Label and field selectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcluster.resources.registry import Registry
from localcluster.selectors.fields import parse_fields
from localcluster.selectors.labels import from_object, parse_labels
from localcluster.selectors.text import selector_query
from localcluster.status import Refusal
from localcluster.store.revision import Revision

LABELS = {"tier": "web", "weight": "7"}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("tier", True),
        ("!tier", False),
        ("tier=web", True),
        ("tier==web,weight", True),
        ("tier!=web", False),
        ("tier in (db, web)", True),
        ("tier notin (db)", True),
        ("absent notin (db)", True),
        ("absent!=db", True),
        ("weight>6", True),
        ("weight<7", False),
        ("absent>1", False),
        ("tier=", False),
        ("tier in ()", False),
    ],
)
def test_labels_match(selector, matches) -> None:
    assert parse_labels(selector).matches(LABELS) is matches


@pytest.mark.parametrize(
    "selector", ["a in (b", "-bad-=x", "a=b=c", "a>b", "a b", ",", "a,", "=x", "a in b", "!"]
)
def test_what_is_no_selector_is_a_bad_request(selector) -> None:
    with pytest.raises(Refusal) as refused:
        parse_labels(selector)
    assert refused.value.code == 400


def _code_of(text: str) -> int:
    try:
        parse_labels(text).matches(LABELS)
    except Refusal as refused:
        return refused.code
    return 200


@given(st.text(alphabet="ab=!,()<> in", max_size=30))
def test_any_text_is_a_selector_or_a_bad_request(text) -> None:
    assert _code_of(text) in (200, 400)


def test_a_selector_of_an_object_and_its_text_select_alike() -> None:
    selector = {
        "matchLabels": {"tier": "web"},
        "matchExpressions": [{"key": "weight", "operator": "In", "values": ["7", "8"]}],
    }
    assert selector_query(selector) == "tier=web,weight in (7,8)"
    assert from_object(selector).matches(LABELS)
    assert parse_labels(selector_query(selector)).matches(LABELS)


def _pod(name: str) -> Revision:
    obj = {"metadata": {"name": name}, "spec": {"nodeName": "n1"}, "status": {"phase": "Running"}}
    import orjson

    return Revision(("ns", name), 5, orjson.dumps(obj), obj)


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("metadata.name=p", True),
        ("metadata.namespace!=ns", False),
        ("spec.nodeName=n1,status.phase!=Failed", True),
        ("status.phase==Pending", False),
        ("spec.nodeName=", False),
    ],
)
def test_fields_match(selector, matches) -> None:
    pods = Registry().find("", "v1", "pods")
    assert pods is not None
    assert parse_fields(selector, pods).matches(_pod("p")) is matches


@pytest.mark.parametrize("selector", ["spec.image=x", "nonsense", "metadata.uid=1"])
def test_unknown_fields_are_refused(selector) -> None:
    pods = Registry().find("", "v1", "pods")
    assert pods is not None
    with pytest.raises(Refusal) as refused:
        parse_fields(selector, pods)
    assert refused.value.code == 400
