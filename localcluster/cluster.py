"""One cluster: the store, what is served, and the parts that look after both."""

from __future__ import annotations

from localcluster.admission.gate import Admission
from localcluster.admission.webhooks.dispatch import Webhooks
from localcluster.auth.authenticate import Authenticator
from localcluster.auth.rbac import Authorizer
from localcluster.auth.reviews import Reviews
from localcluster.auth.tokens import TokenIssuer
from localcluster.resources.registry import Registry
from localcluster.store.store import Journal, Store


class Cluster:
    """What the HTTP layer and the controllers work on."""

    def __init__(
        self, admin_token: str, *, signing_key: bytes | None = None, journal: Journal | None = None
    ) -> None:
        self.store = Store(journal)
        self.registry = Registry()
        self.authorizer = Authorizer(self.store)
        self.webhooks = Webhooks(self.store, self.registry)
        self.admission = Admission(self.store, self.authorizer, self.webhooks)
        self.tokens = TokenIssuer(self.store, signing_key)
        self.authenticator = Authenticator(admin_token, self.tokens)
        self.reviews = Reviews(self.authorizer, self.authenticator)
