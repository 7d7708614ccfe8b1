"""The part of kubectl's JSONPath that definitions use: fields, indexes, wildcards, simple filters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_STEP = re.compile(
    r"""\.(?P<field>[^.\[\]]+)
      | \['(?P<quoted>[^']*)'\]
      | \[(?P<index>-?\d+|\*)\]
      | \[\?\(@(?P<path>[^=<>!)]*?)\s*(?P<test>==|!=)\s*(?P<value>"[^"]*"|'[^']*'|[^)\s]+)\s*\)\]""",
    re.VERBOSE,
)
MAX_VALUES = 1000
Step = tuple[str, Any]


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[Step, ...] | None:
    text = path if path.startswith((".", "[")) else "." + path
    steps: list[Step] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            return None
        if match["index"] is not None:
            steps.append(("each", None) if match["index"] == "*" else ("index", int(match["index"])))
        elif match["test"] is not None:
            value = match["value"]
            wanted = value[1:-1] if value[0] in "\"'" else value
            steps.append(("where", (match["path"], match["test"] == "==", wanted)))
        else:
            name = match["field"] if match["field"] is not None else match["quoted"]
            steps.append(("each", None) if name == "*" else ("field", name))
        at = match.end()
    return tuple(steps)


def values_at(obj: Any, path: str) -> list[Any]:
    """What a path finds in an object; nothing for a path that cannot be read."""
    steps = _steps(path)
    if steps is None:
        return []
    found = [obj]
    for kind, argument in steps:
        found = [value for each in found for value in _walk(each, kind, argument)][:MAX_VALUES]
    return [value for value in found if value is not None]


def _walk(value: Any, kind: str, argument: Any) -> Iterator[Any]:
    match kind:
        case "field":
            if isinstance(value, dict) and argument in value:
                yield value[argument]
        case "index":
            if isinstance(value, list) and -len(value) <= argument < len(value):
                yield value[argument]
        case "each":
            yield from value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        case "where":
            path, equal, wanted = argument
            for item in value if isinstance(value, list) else ():
                actual = values_at(item, path) if path else [item]
                if any(_shown(each) == wanted for each in actual) is equal:
                    yield item


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
