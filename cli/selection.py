"""Which objects a `get` shows: by name, by label, by the status of a condition (specs/cli.md 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cli.families import condition
from cli.problems import CliError


@dataclass(frozen=True, slots=True)
class StatusSelector:
    """`Ready=True`, or `Ready!=True`, for which an object without the condition counts as well."""

    type: str
    status: str
    negated: bool

    @classmethod
    def parse(cls, text: str) -> StatusSelector:
        """Raises CliError."""
        for operator in ("!=", "="):
            kind, found, status = text.partition(operator)
            if found and kind and status and "=" not in status:
                return cls(kind, status, operator == "!=")
        raise CliError(f"expected status selector in type=status or type!=status format, but found: {text}")

    def accepts(self, obj: Mapping[str, Any]) -> bool:
        found = condition(obj, self.type)
        equal = found is not None and str(found.get("status")).lower() == self.status.lower()
        return equal is not self.negated


@dataclass(frozen=True, slots=True)
class Selection:
    """Empty strings select everything. `namespace` empty means all of them."""

    namespace: str
    name: str
    labels: str
    status: StatusSelector | None

    @property
    def fields(self) -> str:
        return f"metadata.name={self.name}" if self.name else ""

    def accepts(self, obj: Mapping[str, Any]) -> bool:
        """Of what the server sent; a watch is not narrowed down by name."""
        if self.name and obj["metadata"]["name"] != self.name:
            return False
        return self.status is None or self.status.accepts(obj)

    def nothing_found(self, kind: str) -> CliError:
        where = f'"{self.namespace}"' if self.namespace else "any"
        if self.name:
            return CliError(f"{kind} object '{self.name}' not found in {where} namespace")
        return CliError(f"no {kind} objects found in {where} namespace")
