"""Who a request comes from: a client certificate, else a bearer token, else nobody in particular."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

from localcluster.auth.tokens import ISSUER
from localcluster.auth.users import ADMIN, ANONYMOUS, User
from localcluster.status import unauthorized

if TYPE_CHECKING:
    from localcluster.auth.tokens import TokenIssuer


class Authenticator:
    """Knows the administrator's token and those of service accounts."""

    def __init__(self, admin_token: str, tokens: TokenIssuer) -> None:
        self._admin = admin_token.encode()
        self._tokens = tokens

    def authenticate(self, authorization: str, certified: User | None = None) -> User:
        """The user of a certificate or of an Authorization header; raises 401 for a token that nobody has."""
        if certified is not None:
            return certified
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return ANONYMOUS
        user = self.of_token(token.strip())
        if user is None:
            raise unauthorized()
        return user

    def of_token(self, token: str, audiences: Sequence[str] = (ISSUER,)) -> User | None:
        """Whose token it is for one of these audiences; None where it is nobody's."""
        if hmac.compare_digest(token.encode(), self._admin):
            return ADMIN if ISSUER in audiences else None
        return self._tokens.find_user(token, audiences)

    def audiences_of(self, token: str) -> Sequence[str]:
        return self._tokens.audiences_of(token) or (ISSUER,)
