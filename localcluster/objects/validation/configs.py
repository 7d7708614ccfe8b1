"""Config maps, secrets, service accounts' neighbours: what holds data."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from localcluster.objects import forms
from localcluster.objects.causes import Cause, forbidden, invalid, required, too_long
from localcluster.objects.forms import each
from localcluster.objects.typed import same

Json = dict[str, Any]

_LIMIT = 1024 * 1024
_SET = "field is immutable when `immutable` is set"


def config_map(obj: Json) -> list[Cause]:
    causes: list[Cause] = []
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    total = 0
    for key, value in data.items():
        causes += each(f"data[{key}]", key, forms.config_key(key))
        if key in binary:
            causes.append(invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
        total += len(value.encode())
    for key, value in binary.items():
        causes += each(f"binaryData[{key}]", key, forms.config_key(key))
        total += len(value) * 3 // 4
    if total > _LIMIT:
        # The genuine server names no field either.
        causes.append(too_long("[]", _LIMIT))
    return causes


def config_map_update(new: Json, old: Json) -> list[Cause]:
    return _immutable(new, old, ("data", "binaryData"))


def _immutable(new: Json, old: Json, names: tuple[str, ...]) -> list[Cause]:
    if not old.get("immutable"):
        return []
    causes = [] if new.get("immutable") else [forbidden("immutable", _SET)]
    return causes + [
        forbidden(name, _SET) for name in names if not same(new.get(name) or {}, old.get(name) or {})
    ]


def secret(obj: Json) -> list[Cause]:
    causes: list[Cause] = []
    data = obj.get("data") or {}
    for key in data:
        causes += each(f"data[{key}]", key, forms.config_key(key))
    if sum(len(value) * 3 // 4 for value in data.values()) > _LIMIT:
        causes.append(too_long("data", _LIMIT))
    return causes + _typed_secret(obj, data)


def _typed_secret(obj: Json, data: Json) -> list[Cause]:
    match obj.get("type"):
        case "kubernetes.io/service-account-token":
            name = "kubernetes.io/service-account.name"
            if not (obj["metadata"].get("annotations") or {}).get(name):
                return [required(f"metadata.annotations[{name}]")]
        case "kubernetes.io/dockercfg":
            return _json_key(data, ".dockercfg")
        case "kubernetes.io/dockerconfigjson":
            return _json_key(data, ".dockerconfigjson")
        case "kubernetes.io/basic-auth" if "username" not in data and "password" not in data:
            return [required("data[username]"), required("data[password]")]
        case "kubernetes.io/ssh-auth" if not data.get("ssh-privatekey"):
            return [required("data[ssh-privatekey]")]
        case "kubernetes.io/tls":
            return [required(f"data[{key}]") for key in ("tls.crt", "tls.key") if key not in data]
    return []


def _json_key(data: Json, key: str) -> list[Cause]:
    if key not in data:
        return [required(f"data[{key}]")]
    try:
        orjson.loads(base64.b64decode(data[key]))
    except (orjson.JSONDecodeError, binascii.Error) as error:
        return [invalid(f"data[{key}]", "<secret contents redacted>", str(error))]
    return []


def secret_update(new: Json, old: Json) -> list[Cause]:
    causes: list[Cause] = []
    if new.get("type") != old.get("type"):
        causes.append(invalid("type", new.get("type", ""), "field is immutable"))
    return causes + _immutable(new, old, ("data",))
