"""What a spec says about applying, whichever kind says it: where, as whom, after whom, marked how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class KubeConfigRef:
    """Exactly one of the two names is set; `key` belongs to the secret."""

    secret: str
    key: str
    config_map: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        secret, config_map = raw.get("secretRef") or {}, raw.get("configMapRef") or {}
        if bool(secret) == bool(config_map):
            raise ValueError(
                "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified"
            )
        return cls(secret.get("name", ""), secret.get("key") or "", config_map.get("name", ""))


@dataclass(frozen=True, slots=True)
class CommonMetadata:
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(dict(raw.get("labels") or {}), dict(raw.get("annotations") or {}))


@dataclass(frozen=True, slots=True)
class Dependency:
    namespace: str
    name: str
    ready_expr: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @classmethod
    def parse_all(cls, raw: Sequence[Mapping[str, Any]], namespace: str) -> tuple[Self, ...]:
        """`namespace` is that of the object that depends."""
        return tuple(
            cls(item.get("namespace") or namespace, item["name"], item.get("readyExpr") or "") for item in raw
        )
