"""Listening addresses as Go writes them: `:8080`, `127.0.0.1:0`, `[::1]:9090`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Address:
    """`host` None means every interface."""

    host: str | None
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with the text."""
        host, separator, port = text.rpartition(":")
        if not separator or not port.isdigit() or int(port) > 65_535:
            raise ValueError(f"invalid address {text!r}: write it like :8080 or 127.0.0.1:8080")
        return cls(host.strip("[]") or None, int(port))

    def __str__(self) -> str:
        host = self.host or ""
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
