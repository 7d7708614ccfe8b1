"""A Secret as the API server stores it: what `stringData` says is in `data`."""

from __future__ import annotations

import base64

from shared.model.meta import Object


def readable(obj: Object) -> Object:
    """The object itself, or a Secret whose texts are encoded as a reader expects them."""
    if obj.get("kind") != "Secret" or not obj.get("stringData"):
        return obj
    data = {**(obj.get("data") or {})}
    for key, text in obj["stringData"].items():
        data[key] = base64.b64encode(str(text).encode()).decode()
    return {**obj, "data": data}
