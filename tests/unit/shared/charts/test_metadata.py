from __future__ import annotations

from typing import Any

import pytest

from shared.charts.metadata import Dependency, InvalidMetadata, Metadata, require_unique

GOOD: dict[str, Any] = {"apiVersion": "v2", "name": "app", "version": "1.0.0"}


def test_what_is_read() -> None:
    wanted = {"name": "redis", "version": 18, "repository": "https://x", "alias": "cache"}
    found = Metadata.parse({**GOOD, "version": 1.1, "dependencies": [wanted]})
    assert found == Metadata("v2", "app", "1.1", (Dependency("redis", "18", "https://x", "cache"),))
    assert found.dependencies[0].shown == "cache"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"apiVersion": ""}, "apiVersion is required"),
        ({"name": None}, "name is required"),
        *(
            ({"name": name}, "name .* is invalid")
            for name in ("..", ".", "a/b", "a\\b", "a b", "a\n", "\0", "\x1b[31m", "a\u202eb", "x" * 251)
        ),
        ({"name": ["x"]}, "name is no text"),
        ({"version": ""}, "version is required"),
        ({"version": "newest"}, "version 'newest' is invalid"),
        ({"version": "9" * 2000}, "is invalid"),
        ({"version": True}, "version is no text"),
        ({"type": "plugin"}, "type must be"),
        ({"maintainers": [None]}, "maintainers must not"),
        ({"maintainers": {}}, "maintainers is no list"),
        ({"dependencies": [None]}, "dependencies must not"),
        ({"dependencies": [{"name": "x", "alias": "a b"}]}, "alias"),
        ({"dependencies": [{"name": "x"}] * 501}, "more than 500"),
    ],
)
def test_what_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidMetadata, match=words):
        Metadata.parse({**GOOD, **change})


def test_two_dependencies_of_one_name() -> None:
    require_unique((Dependency("x"), Dependency("x", alias="y")))
    with pytest.raises(InvalidMetadata, match="more than one"):
        require_unique((Dependency("x"), Dependency("z", alias="x")))
