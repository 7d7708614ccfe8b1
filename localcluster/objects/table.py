"""The generated table of built-in kinds, read when first needed (some 20 ms, 5 MiB)."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Any

import orjson

_DATA = Path(__file__).resolve().parent / "data"


def load(file: str) -> dict[str, Any]:
    """The content of one gzipped JSON file of `data/`."""
    loaded: dict[str, Any] = orjson.loads(gzip.decompress((_DATA / file).read_bytes()))
    return loaded


@cache
def table() -> dict[str, Any]:
    """`kinds` and `definitions`; their form is written down in `generate`."""
    return load("kinds.json.gz")
