"""Secrets of type service-account-token: filled with a token, and gone with their account."""

from __future__ import annotations

import base64

from localcluster.auth.tokens import ISSUER, Bound
from localcluster.cluster import Cluster
from localcluster.housekeeping.worklist import Worklist
from localcluster.http.options import DeleteOptions
from localcluster.inprocess import Privileged
from localcluster.store.revision import Change, Key, Obj, Revision

TYPE = "kubernetes.io/service-account-token"
_NAME = "kubernetes.io/service-account.name"
_UID = "kubernetes.io/service-account.uid"
_MARK = TYPE.encode()


class AccountTokens:
    def __init__(self, cluster: Cluster, authority: bytes | None) -> None:
        self._cluster = cluster
        self._authority = authority or b""
        self._api = Privileged(cluster, "kube-controller-manager")
        self._secrets = self._api.resource("v1", "Secret")
        self.worklist: Worklist[Key] = Worklist(self._reconcile)
        cluster.store.listen("secrets", self)
        cluster.store.listen("serviceaccounts", self)
        for revision in cluster.store.snapshot("secrets", ""):
            self._look_at(revision)

    def offer(self, change: Change) -> None:
        if change.collection == "secrets":
            if change.after is not None:
                self._look_at(change.after)
            return
        for revision in self._cluster.store.snapshot("secrets", change.key[0]):
            self._look_at(revision)

    def _look_at(self, revision: Revision) -> None:
        if _MARK in revision.raw:
            self.worklist.add(revision.key)

    def _reconcile(self, key: Key) -> None:
        secret = self._api.find(self._secrets, *key)
        if secret is None or secret.get("type") != TYPE or "deletionTimestamp" in secret["metadata"]:
            return
        annotations = secret["metadata"].get("annotations") or {}
        account = self._cluster.store.find("serviceaccounts", (key[0], annotations.get(_NAME, "")))
        if account is None or annotations.get(_UID, account.uid) != account.uid:
            uid = secret["metadata"]["uid"]
            self._api.delete(self._secrets, *key, DeleteOptions(uid=uid, propagation="Background"))
        elif "token" not in (secret.get("data") or {}):
            self._fill(secret, account)

    def _fill(self, secret: Obj, account: Revision) -> None:
        namespace, name = account.key
        bound = Bound("Secret", secret["metadata"]["name"], secret["metadata"]["uid"])
        token = self._cluster.tokens.issue(
            (namespace, name, account.uid), [ISSUER], seconds=None, bound=bound
        )
        data = {"ca.crt": self._authority, "namespace": namespace.encode(), "token": token.encode()}

        def fill(obj: Obj) -> None:
            encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
            obj["data"] = {**(obj.get("data") or {}), **encoded}
            obj["metadata"]["annotations"] = {**(obj["metadata"].get("annotations") or {}), _UID: account.uid}

        self._api.change(self._secrets, namespace, secret["metadata"]["name"], fill)
