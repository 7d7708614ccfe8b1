"""spec.pathPattern: which directories, and what becomes of their names."""

from __future__ import annotations

import time

import pytest

from controllers.source.generation.patterns import PathPattern, PatternInvalid, Wanted, expand, is_name
from shared.model.generator import Output

FOLDERS = [
    ("apps",),
    ("apps", "Shop"),
    ("apps", "Shop", "prod"),
    ("apps", "web"),
    ("apps", "web", "prod"),
    ("x.y",),
]


def output(name: str, source: str = "@repo/apps/{app}/**", target: str = "@artifact/") -> Output:
    return Output.parse({"name": name, "copy": [{"from": source, "to": target, "exclude": ["{a,b}"]}]})


def expanded(pattern: str, *outputs: Output) -> list[Wanted]:
    return expand(PathPattern.parse(pattern, aliases=["repo"]), outputs, FOLDERS)


def test_a_directory_each() -> None:
    found = expanded("@repo/apps/{app}", output("app-{app}", target="@artifact/{app}"))
    assert [wanted.output.name for wanted in found] == ["app-shop", "app-web"]
    assert found[0].labels == {"app": "shop"}
    (copy,) = found[0].output.copies
    assert (copy.source, copy.target, copy.exclude) == ("@repo/apps/Shop/**", "@artifact/Shop", ("{a,b}",))


@pytest.mark.parametrize(
    ("pattern", "labels"),
    [
        ("@repo/apps/{app}/{env}", [{"app": "shop", "env": "prod"}, {"app": "web", "env": "prod"}]),
        ("@repo/apps/S{rest}", [{"rest": "hop"}]),
        ("@repo/{top}.y", [{"top": "x"}]),
        ("@repo/none/{x}", []),
        ("@repo/apps/{app}/", []),
        ("@repo/xzy", []),
    ],
)
def test_what_fits(pattern: str, labels: list[dict[str, str]]) -> None:
    found = expanded(
        pattern, output("-".join("{" + n + "}" for n in (labels or [{"a": ""}])[0]), source="@repo/")
    )
    assert [wanted.labels for wanted in found] == labels


@pytest.mark.parametrize(
    ("pattern", "made", "said"),
    [
        ("repo/x", output("x"), "invalid pathPattern format"),
        ("@other/{app}", output("{app}"), "source alias 'other' not found"),
        ("@repo/{app", output("x"), "must begin a variable"),
        ("@repo/app}", output("x"), "without an opening one"),
        ("@repo/{1a}", output("x"), "must begin a variable"),
        ("@repo/{a}/{a}", output("x"), "duplicate capture variable 'a'"),
        ("@repo/{_a}", output("x"), "not a valid label key"),
        ("@repo/apps/{app}", output("{other}"), "'other' is not defined by pathPattern"),
        ("@repo/apps/{app}", output("x", source="@repo/{"), "must begin a variable"),
        ("@repo/apps/{app}", output("same"), "both resolve to artifact name 'same'"),
        ("@repo/apps/{app}", output("{app}_"), "is not a valid object name"),
    ],
)
def test_what_is_wrong(pattern: str, made: Output, said: str) -> None:
    with pytest.raises(PatternInvalid, match=said):
        expanded(pattern, made)


def test_a_directory_whose_name_is_no_label() -> None:
    pattern = PathPattern.parse("@repo/{app}", aliases=["repo"])
    with pytest.raises(PatternInvalid, match="not a valid label value"):
        expand(pattern, [output("{app}", source="@repo/")], [("a b",)])


def test_many_variables_take_no_time() -> None:
    pattern = PathPattern.parse("@repo/" + "".join(f"{{v{n}}}" for n in range(40)) + "!", aliases=["repo"])
    started = time.monotonic()
    assert pattern.captures(("x" * 255,)) is None
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(("name", "valid"), [("a", True), ("a.b-c", True), ("A", False), ("-a", False), ("a..b", False), ("a" * 254, False), ("a\n", False)])  # fmt: skip
def test_names(name: str, valid: bool) -> None:
    assert is_name(name) is valid
