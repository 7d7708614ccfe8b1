import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.label_selector import InvalidSelector, LabelSelector, render_match_labels

LABELS = {"app": "web", "tier": "front", "example.com/x": ""}

MATCHES = {
    "": True,
    "app=web": True,
    "app==web": True,
    "app = web, tier != back": True,
    "app!=web": False,
    "missing!=x": True,
    "app in (api, web)": True,
    "app notin (api, web)": False,
    "missing notin (a)": True,
    "app": True,
    "missing": False,
    "!app": False,
    "!missing": True,
    "example.com/x=": True,
    "app in (web),!missing,tier": True,
}


@pytest.mark.parametrize(("selector", "expected"), MATCHES.items())
def test_matches(selector: str, expected: bool) -> None:
    assert LabelSelector.parse(selector).matches(LABELS) is expected


@pytest.mark.parametrize(
    "text", ["app=web,", ",", "app in web", "app in (a", "a b", "=x", "-a", "x" * 10_000]
)
def test_refuses(text: str) -> None:
    with pytest.raises(InvalidSelector):
        LabelSelector.parse(text)


@given(st.text(alphabet="ab=!,() in/."))
def test_never_raises_anything_else(text: str) -> None:
    try:
        LabelSelector.parse(text).matches(LABELS)
    except InvalidSelector:
        return


def test_selectors_of_workloads() -> None:
    selector = {
        "matchLabels": {"app": "web"},
        "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["1", "2"]},
            {"key": "b", "operator": "DoesNotExist"},
        ],
    }
    assert render_match_labels(selector) == "app=web,a in (1,2),!b"
    assert render_match_labels(None) == ""
