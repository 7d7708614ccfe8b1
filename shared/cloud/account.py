"""Whose identity is used: the process's own, or that of a ServiceAccount of the object's namespace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

MintToken = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Account:
    """A ServiceAccount. `mint` asks the API server for a token of it, for one audience."""

    namespace: str
    name: str
    annotations: Mapping[str, str]
    mint: MintToken = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, or the password of a registry with its `username`."""

    text: str = field(repr=False)
    expires: datetime
    username: str = ""

    def lives(self, now: datetime | None = None) -> bool:
        return self.expires > (now or datetime.now(UTC))
