"""The kubeconfig by which clients find the server: written when it is ready, and only then."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from localcluster.certificates import Identity

_NAME = "localcluster"
_BY_CERTIFICATE = "localcluster-certificate"


def write_kubeconfig(
    path: Path, server: str, token: str, authority: bytes | None, identity: Identity | None = None
) -> None:
    """Write atomically, readable by the owner alone. JSON is YAML, so any client reads it.

    The administrator comes by token; with an identity, in a second context, by client certificate too.
    """
    cluster: dict[str, str] = {"server": server}
    if authority is not None:
        cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
    users: list[dict[str, Any]] = [{"name": "admin", "user": {"token": token}}]
    contexts = [{"name": _NAME, "context": {"cluster": _NAME, "user": "admin"}}]
    if identity is not None:
        shown = {
            "client-certificate-data": base64.b64encode(identity.certificate).decode(),
            "client-key-data": base64.b64encode(identity.key).decode(),
        }
        users.append({"name": _BY_CERTIFICATE, "user": shown})
        contexts.append({"name": _BY_CERTIFICATE, "context": {"cluster": _NAME, "user": _BY_CERTIFICATE}})
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": cluster}],
        "users": users,
        "contexts": contexts,
        "current-context": _NAME,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(config, file, indent=2)
        file.write("\n")
    temporary.replace(path)
