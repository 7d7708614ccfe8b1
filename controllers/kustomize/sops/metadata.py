"""The `sops` block of a document: which keys open it, which values are encrypted, and its MAC.

Formats without nesting write it flat (`age__list_0__map_enc`); `unflatten` puts it together again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from controllers.kustomize.sops.errors import DocumentInvalid
from controllers.kustomize.sops.rules import Rules

MAX_KEYS = 200
_MAX_ENCRYPTED_KEY = 32 * 1024
_SEPARATOR = re.compile(r"__(map|list)_")
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)


class KeyKind(StrEnum):
    """The families of keys, in the order in which they are tried: those at hand first."""

    AGE = "age"
    PGP = "pgp"
    VAULT = "hc_vault"
    AWS_KMS = "kms"
    GCP_KMS = "gcp_kms"
    AZURE_KEY_VAULT = "azure_kv"
    HUAWEI_KMS = "hckms"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """The data key, or a share of it, encrypted for one recipient; `where` are the family's own fields."""

    kind: KeyKind
    encrypted: str
    where: Mapping[str, Any]

    def field(self, name: str) -> str:
        return str(self.where.get(name) or "")


@dataclass(frozen=True, slots=True)
class Metadata:
    """`groups` hold a share each where there are several, and any `threshold` of them are enough."""

    groups: tuple[tuple[WrappedKey, ...], ...]
    threshold: int
    last_modified: str
    mac: str
    mac_only_encrypted: bool
    rules: Rules

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Raises DocumentInvalid."""
        if not isinstance(raw, Mapping):
            raise DocumentInvalid("the sops block is not a mapping")
        moment = _TIMESTAMP.fullmatch(_text(raw, "lastmodified"))
        if moment is None:
            raise DocumentInvalid("the sops block has no valid lastmodified")
        groups = _groups(raw)
        return cls(
            groups=groups,
            threshold=_threshold(raw, len(groups)),
            last_modified="".join(moment.groups()),
            mac=_text(raw, "mac"),
            mac_only_encrypted=str(raw.get("mac_only_encrypted", "")).lower() in ("true", "1"),
            rules=Rules.parse(raw),
        )


def unflatten(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Nested mappings and lists from keys such as `pgp__list_0__map_fp`. Raises DocumentInvalid."""
    root: dict[str, Any] = {}
    for flat, value in pairs:
        parts = _SEPARATOR.split(flat)
        steps = [parts[0], *parts[2::2]]
        node = root
        for step in steps[:-1]:
            child = node.setdefault(step, {})
            if not isinstance(child, dict):
                raise DocumentInvalid("the sops block contradicts itself")
            node = child
        if steps[-1] in node:
            raise DocumentInvalid("the sops block names a field twice")
        node[steps[-1]] = value
    return root


def _groups(raw: Mapping[str, Any]) -> tuple[tuple[WrappedKey, ...], ...]:
    direct = _group(raw)
    groups = [direct] if direct else [_group(item) for item in _items(raw.get("key_groups"))]
    if not groups:
        raise DocumentInvalid("the sops block names no keys")
    if sum(map(len, groups)) > MAX_KEYS:
        raise DocumentInvalid(f"the sops block names more than {MAX_KEYS} keys")
    return tuple(groups)


def _group(raw: object) -> tuple[WrappedKey, ...]:
    if not isinstance(raw, Mapping):
        raise DocumentInvalid("a key group of the sops block is not a mapping")
    return tuple(_wrapped(kind, item) for kind in KeyKind for item in _items(raw.get(kind)))


def _wrapped(kind: KeyKind, raw: object) -> WrappedKey:
    if not isinstance(raw, Mapping):
        raise DocumentInvalid(f"an entry of sops.{kind} is not a mapping")
    encrypted = _text(raw, "enc")
    if not encrypted or len(encrypted) > _MAX_ENCRYPTED_KEY:
        raise DocumentInvalid(f"an entry of sops.{kind} has no data key, or one that is too long")
    return WrappedKey(kind, encrypted, {key: value for key, value in raw.items() if key != "enc"})


def _items(raw: object) -> Sequence[object]:
    """A list; in flat formats, a mapping from positions."""
    if not raw:
        return ()
    if isinstance(raw, Mapping) and all(str(key).isdecimal() and len(key) < 5 for key in raw):
        return [raw[key] for key in sorted(raw, key=int)]
    if isinstance(raw, list):
        return raw
    raise DocumentInvalid("a list of keys in the sops block is not a list")


def _threshold(raw: Mapping[str, Any], groups: int) -> int:
    text = str(raw.get("shamir_threshold") or "0")
    if not text.isdecimal() or len(text) > 3:
        raise DocumentInvalid("the sops block has no valid shamir_threshold")
    return int(text) or groups


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""
