"""Service-account tokens: signed here, and good as long as what they are bound to exists."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from localcluster.auth.users import AUTHENTICATED, User, account_groups, account_name
from localcluster.store.store import Store

ISSUER = "https://kubernetes.default.svc.cluster.local"
_HEADER = {"alg": "HS256", "typ": "JWT"}
_MAX_TOKEN_BYTES = 16 * 1024
Claims = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """The object (a pod, secret or node) whose end is the token's end."""

    kind: str
    name: str
    uid: str


class TokenIssuer:
    """Makes tokens with a key of its own and knows its own again."""

    def __init__(self, store: Store, key: bytes | None = None) -> None:
        self._store = store
        self._key = key or secrets.token_bytes(32)

    def issue(
        self,
        account: tuple[str, str, str],
        audiences: Sequence[str],
        *,
        seconds: int | None,
        bound: Bound | None = None,
    ) -> str:
        """A token for an account (namespace, name, uid); without end where `seconds` is None."""
        namespace, name, uid = account
        now = int(time.time())
        inner: Claims = {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}}
        if bound is not None:
            inner[bound.kind.lower()] = {"name": bound.name, "uid": bound.uid}
        claims: Claims = {
            "aud": list(audiences),
            "iat": now,
            "iss": ISSUER,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": inner,
            "nbf": now,
            "sub": account_name(namespace, name),
        }
        if seconds is not None:
            claims["exp"] = now + seconds
        signed = f"{_encoded(orjson.dumps(_HEADER))}.{_encoded(orjson.dumps(claims))}"
        return f"{signed}.{_encoded(self._signature(signed))}"

    def _signature(self, signed: str) -> bytes:
        return hmac.new(self._key, signed.encode(), hashlib.sha256).digest()

    def find_user(self, token: str, audiences: Sequence[str] = (ISSUER,)) -> User | None:
        """Whose token it is; None where it is forged, over, for other audiences, or its account is gone."""
        claims = self._claims(token)
        if claims is None or not set(audiences) & set(claims["aud"]):
            return None
        if claims.get("exp", float("inf")) <= time.time():
            return None
        return self._user(claims)

    def audiences_of(self, token: str) -> list[str]:
        claims = self._claims(token)
        return claims["aud"] if claims else []

    def _claims(self, token: str) -> Claims | None:
        signed, _, signature = token.rpartition(".")
        if len(token) > _MAX_TOKEN_BYTES or signed.count(".") != 1:
            return None
        # Compared as text, so that no second spelling of the same signature is good.
        if not hmac.compare_digest(_encoded(self._signature(signed)).encode(), signature.encode()):
            return None
        payload = signed.partition(".")[2]
        claims: Claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims

    def _user(self, claims: Claims) -> User | None:
        inner = claims["kubernetes.io"]
        namespace, account = inner["namespace"], inner["serviceaccount"]
        if not self._exists("serviceaccounts", namespace, account):
            return None
        extra = {"authentication.kubernetes.io/credential-id": [f"JTI={claims['jti']}"]}
        for kind, plural in (("pod", "pods"), ("secret", "secrets")):
            if kind in inner:
                if not self._exists(plural, namespace, inner[kind]):
                    return None
                if kind == "pod":
                    extra["authentication.kubernetes.io/pod-name"] = [inner[kind]["name"]]
                    extra["authentication.kubernetes.io/pod-uid"] = [inner[kind]["uid"]]
        groups = (*account_groups(namespace), AUTHENTICATED)
        return User(account_name(namespace, account["name"]), groups, account["uid"], extra)

    def _exists(self, collection: str, namespace: str, named: dict[str, str]) -> bool:
        revision = self._store.find(collection, (namespace, named["name"]))
        return revision is not None and revision.uid == named["uid"]


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
