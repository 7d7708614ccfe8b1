"""Which message a kind is, and what the numbers in it mean."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import orjson

DATA = Path(__file__).resolve().parent / "data" / "messages.json.gz"
META = "k8s.io.apimachinery.pkg.apis.meta.v1"
Fields = dict[str, list[str]]


@cache
def _table() -> dict[str, Fields]:
    table: dict[str, Fields] = orjson.loads(gzip.decompress(DATA.read_bytes()))
    return table


@cache
def fields_of(message: str) -> dict[int, tuple[str, str]] | None:
    """Number to (field, type), see generate.py; None for an unknown message."""
    fields = _table().get(message)
    if fields is None:
        return None
    return {int(number): (name, kind) for number, (name, kind) in fields.items()}


def message_of(api_version: str, kind: str) -> str:
    """The full name of the message of a kind."""
    if kind == "DeleteOptions":
        return f"{META}.DeleteOptions"
    group, _, version = api_version.rpartition("/")
    package = group.partition(".")[0] or "core"
    return f"k8s.io.api.{package}.{version}.{kind}"
