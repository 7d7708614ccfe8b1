"""What SOPS encrypted is shown as `**SOPS**`: a build needs no key and tells no secret (specs/cli.md 8.2)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

import orjson

from shared.model.meta import Object

MASK = "**SOPS**"
_MASK_DATA = base64.b64encode(MASK.encode()).decode()
_MASK_DOCKER = base64.b64encode(orjson.dumps({"mask": _MASK_DATA})).decode()
_MASKS = frozenset({MASK, _MASK_DATA, _MASK_DOCKER})
_ENCRYPTED = re.compile(r"ENC\[[A-Z0-9_]+,data:")
_DOCKER = (".dockerconfigjson", ".dockercfg")


def masked(obj: Object) -> Object:
    """The object without the values that SOPS encrypted, and without SOPS' own block."""
    fresh = {key: value for key, value in obj.items() if key != "sops"}
    if obj.get("kind") == "Secret" and obj.get("apiVersion") == "v1":
        for field in ("data", "stringData"):
            if isinstance(fresh.get(field), Mapping):
                fresh[field] = _masked_data(fresh[field], whole="sops" in obj, plain=field == "stringData")
        return fresh
    return _masked_text(fresh) if "sops" in obj else fresh


def _masked_data(data: Mapping[str, Any], *, whole: bool, plain: bool) -> Object:
    return {
        key: _mask_for(key, plain=plain) if whole or _is_encrypted(value, plain=plain) else value
        for key, value in data.items()
    }


def _mask_for(key: str, *, plain: bool) -> str:
    if plain:
        return MASK
    return _MASK_DOCKER if key in _DOCKER else _MASK_DATA


def _is_encrypted(value: object, *, plain: bool) -> bool:
    """A generated Secret holds whole encrypted files."""
    if not isinstance(value, str):
        return False
    if not plain:
        try:
            value = base64.b64decode(value).decode(errors="replace")
        except ValueError:
            return False
    return "sops" in value and _ENCRYPTED.search(value) is not None


def _masked_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked_text(inner) for inner in value]
    return MASK if isinstance(value, str) and _ENCRYPTED.match(value) else value


def with_live_values(desired: Any, live: Any) -> Any:
    """Masked values taken from the live object where it has them: what cannot be compared does not differ."""
    if isinstance(desired, dict):
        known = live if isinstance(live, dict) else {}
        return {key: with_live_values(value, known.get(key)) for key, value in desired.items()}
    if isinstance(desired, list):
        known_items = live if isinstance(live, list) and len(live) == len(desired) else [None] * len(desired)
        return [with_live_values(*pair) for pair in zip(desired, known_items, strict=True)]
    if isinstance(desired, str) and desired in _MASKS and live is not None:
        return live
    return desired


def has_masks(value: Any) -> bool:
    if isinstance(value, dict):
        return any(has_masks(inner) for inner in value.values())
    if isinstance(value, list):
        return any(has_masks(inner) for inner in value)
    return isinstance(value, str) and value in _MASKS
