"""Tokens of service accounts of the management cluster, for another audience (TokenRequest)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.model.kinds import SERVICE_ACCOUNT
from shared.model.meta import ObjectKey, parse_time

_LIFE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class IssuedToken:
    text: str = field(repr=False)
    expires: datetime


async def request_token(client: KubeClient, account: ObjectKey, audiences: tuple[str, ...]) -> IssuedToken:
    """A token good for an hour, or for less where the server says so. Raises KubeError."""
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"audiences": list(audiences), "expirationSeconds": _LIFE_SECONDS},
    }
    path = SERVICE_ACCOUNT.path(account.namespace, account.name, "token")
    status = (await client.request("POST", path, body=body)).get("status")
    if not isinstance(status, dict) or not isinstance(status.get("token"), str):
        raise KubeError(f"no token was issued for ServiceAccount '{account}'")
    return IssuedToken(status["token"], parse_time(str(status.get("expirationTimestamp", ""))))
