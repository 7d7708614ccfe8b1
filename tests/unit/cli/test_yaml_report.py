"""How differences read (specs/cli.md 8.3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.comparison import comparable
from cli.yaml_report import report

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abn", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (
            {"spec": {"replicas": 1}},
            {"spec": {"replicas": 2}},
            "\nspec.replicas\n  ± value change\n    - 1\n    + 2\n",
        ),
        ({"a": 1}, {"a": "1"}, "\na\n  ± type change\n    - 1\n    + 1\n"),
        ({"a": {}}, {"a": {"b": 1}}, "\na\n  + one map entry added:\n    b: 1\n"),
        ({"a": {"b": 1, "c": 2}}, {"a": {}}, "\na\n  - two map entries removed:\n    b: 1\n    c: 2\n"),
        (
            {"ports": [{"name": "http", "port": 80}]},
            {"ports": [{"name": "http", "port": 81}]},
            "\nports.http.port\n  ± value change\n    - 80\n    + 81\n",
        ),
        (
            {"args": ["a", "b"]},
            {"args": ["b", "c"]},
            "\nargs\n  - one list entry removed:\n    - a\n  + one list entry added:\n    - c\n",
        ),
        ({"args": ["a", "b"]}, {"args": ["b", "a"]}, "\nargs\n  ⇆ order changed\n"),
    ],
)
def test_reports(before: Any, after: Any, text: str) -> None:
    assert report(before, after) == text


@given(JSON, JSON)
def test_a_report_is_empty_exactly_when_nothing_differs(before: Any, after: Any) -> None:
    assert report(before, before) == ""
    if report(before, after) == "":
        assert report(after, before) == ""
        assert before == after


def test_a_secret_tells_that_it_differs_and_not_how() -> None:
    def secret(**data: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data}

    text = report(*comparable(secret(a="b2xk", b="c2FtZQ=="), secret(a="bmV3", b="c2FtZQ==", c="YWRkZWQ=")))
    assert "*** (before)" in text
    assert "*** (after)" in text
    assert not any(value in text for value in ("b2xk", "bmV3", "c2FtZQ", "YWRkZWQ"))
