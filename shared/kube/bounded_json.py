"""Read JSON of an API server, whatever a user nested into an object that keeps unknown fields.

The parser refuses what is nested more than a thousand levels deep, and API servers take ten times that.
One such object must not hide all others of its kind: what lies too deep is left out, and whoever reads a
field in which people may write anything refuses values that are nearly as deep.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

DEEPEST = 200
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_DEPTH = "depth limit"


def loads(raw: bytes) -> Any:
    """Raises orjson.JSONDecodeError for what is no JSON."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if _DEPTH not in str(error):
            raise
        return orjson.loads(_cut(raw))


def _cut(raw: bytes) -> bytes:
    """With `null` in the place of everything below the deepest level."""
    kept: list[bytes] = []
    depth, position = 0, 0
    for token in _TOKEN.finditer(raw):
        match raw[token.start()]:
            case 0x5B | 0x7B:  # [ {
                depth += 1
                if depth == DEEPEST + 1:
                    kept.append(raw[position : token.start()])
                    kept.append(b"null")
            case 0x5D | 0x7D:  # ] }
                depth -= 1
                if depth == DEEPEST:
                    position = token.end()
    kept.append(raw[position:] if depth <= DEEPEST else b"")
    return b"".join(kept)
