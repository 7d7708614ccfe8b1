"""Compose the values of a release from referenced and inline ones (specs/helm.md 7.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ValuesPart:
    """The data of one `valuesFrom` entry: a YAML document, or one value for `target_path`."""

    data: str
    target_path: str = ""
    literal: bool = False


class PartRefused(Exception):
    """`part` cannot be used; the message says why."""

    def __init__(self, part: ValuesPart, message: str) -> None:
        super().__init__(message)
        self.part = part


def compose(parts: Iterable[ValuesPart], inline: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a release; the arguments are left as they are. Raises PartRefused."""
    raise NotImplementedError(parts, inline)
