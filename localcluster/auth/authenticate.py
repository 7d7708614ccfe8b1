"""Who a request comes from: bearer tokens, then nobody in particular."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from localcluster.auth.users import ADMIN, ANONYMOUS, User
from localcluster.status import unauthorized

FindAccount = Callable[[str], User | None]
"""Whose service-account token this is; None where it is none, or not good here any more."""


class Authenticator:
    def __init__(self, admin_token: str, find_account: FindAccount) -> None:
        self._admin = admin_token.encode()
        self._find_account = find_account

    def authenticate(self, authorization: str) -> User:
        """The user of an Authorization header; raises 401 for a token that nobody has."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return ANONYMOUS
        user = self.of_token(token.strip())
        if user is None:
            raise unauthorized()
        return user

    def of_token(self, token: str) -> User | None:
        if hmac.compare_digest(token.encode(), self._admin):
            return ADMIN
        return self._find_account(token)
