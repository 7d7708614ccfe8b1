from __future__ import annotations

import pytest

from shared.charts.helmignore import HelmIgnore, InvalidHelmIgnore

FILES = ("Chart.yaml", "a.txt", "docs/a.txt", "docs/deep/a.txt", "templates/x.yaml", "templates/.hidden")


@pytest.mark.parametrize(
    ("rules", "ignored"),
    [
        ("", {"templates/.hidden"}),
        ("# a.txt\n\n  a.txt  \n", {"a.txt", "docs/a.txt", "docs/deep/a.txt", "templates/.hidden"}),
        ("/a.txt", {"a.txt", "templates/.hidden"}),
        ("docs/*.txt", {"docs/a.txt", "templates/.hidden"}),
        ("docs/", {"docs/a.txt", "docs/deep/a.txt", "templates/.hidden"}),
        ("deep", {"docs/deep/a.txt", "templates/.hidden"}),
        ("a.txt/", {"templates/.hidden"}),
        ("?.t[x]t", {"a.txt", "docs/a.txt", "docs/deep/a.txt", "templates/.hidden"}),
    ],
)
def test_what_is_left_out(rules: str, ignored: set[str]) -> None:
    found = HelmIgnore.parse(rules)
    assert {name for name in FILES if not found.keeps(tuple(name.split("/")))} == ignored


@pytest.mark.parametrize("rule", ["**/a", "a**", "[", "a/[b"])
def test_what_is_refused(rule: str) -> None:
    with pytest.raises(InvalidHelmIgnore):
        HelmIgnore.parse(rule)


def test_too_many_rules() -> None:
    with pytest.raises(InvalidHelmIgnore):
        HelmIgnore.parse("x\n" * 10_001)
