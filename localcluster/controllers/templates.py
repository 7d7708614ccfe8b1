"""Pods from templates, and the hashes that tell one template from another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from localcluster.controllers.access import POD
from localcluster.controllers.ownership import reference_to
from localcluster.store.revision import Obj

TEMPLATE_HASH = "pod-template-hash"
_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_HASH_LENGTH = 10


def hash_of(value: Any, collisions: int = 0) -> str:
    """Ten characters that name a template in object names and labels; stable over restarts."""
    number = int.from_bytes(
        hashlib.blake2b(
            orjson.dumps([value, collisions], option=orjson.OPT_SORT_KEYS), digest_size=8
        ).digest()
    )
    letters = ""
    for _ in range(_HASH_LENGTH):
        number, digit = divmod(number, len(_SAFE))
        letters += _SAFE[digit]
    return letters


def pod_from(owner: Obj, template: Obj, naming: Mapping[str, str], labels: Mapping[str, str] = {}) -> Obj:
    """A new pod by `template` that `owner` controls; `naming` is its name or generateName."""
    given = template.get("metadata") or {}
    metadata: Obj = {
        **naming,
        "namespace": owner["metadata"]["namespace"],
        "labels": {**(given.get("labels") or {}), **labels},
        "ownerReferences": [reference_to(owner)],
    }
    for name in ("annotations", "finalizers"):
        if given.get(name):
            metadata[name] = given[name]
    return {
        "apiVersion": POD.api_version,
        "kind": POD.name,
        "metadata": metadata,
        "spec": orjson.loads(orjson.dumps(template["spec"])),
    }


def same_template(left: Obj, right: Obj) -> bool:
    """Whether two pod templates ask for the same pods, whatever replica set they belong to."""
    return _without_hash(left) == _without_hash(right)


def _without_hash(template: Obj) -> Obj:
    metadata = dict(template.get("metadata") or {})
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != TEMPLATE_HASH}
    metadata["labels"] = labels
    metadata.pop("creationTimestamp", None)
    return {**template, "metadata": metadata}
