"""The suffix that names a generated ConfigMap or Secret after its content."""

import hashlib
import json
from typing import Any

_ALPHABET = str.maketrans("013ae", "ghkmt")
# Go's JSON writer escapes what could end a script or a line of one.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def name_suffix(obj: dict[str, Any]) -> str:
    """Ten characters, as kustomize and kubectl compute them."""
    return hashlib.sha256(_encoded(obj).encode()).hexdigest()[:10].translate(_ALPHABET)


def _encoded(obj: dict[str, Any]) -> str:
    match obj.get("kind"):
        case "ConfigMap":
            content = {"kind": "ConfigMap", "name": "", "data": obj.get("data", "")}
            extra = "binaryData"
        case "Secret":
            content = {"kind": "Secret", "type": obj.get("type", ""), "name": "", "data": obj.get("data", "")}
            extra = "stringData"
        case _:
            return _go_json(obj)
    if isinstance(obj.get(extra), dict):
        content[extra] = obj[extra]
    return _go_json(content)


def _go_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    for char, escape in _ESCAPES.items():
        text = text.replace(char, escape)
    return text
