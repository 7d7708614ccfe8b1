"""Namespaces: what each one holds from the start, and how one that is deleted is emptied."""

from __future__ import annotations

from collections import Counter
from typing import Any

from localcluster.clock import stamp
from localcluster.cluster import Cluster
from localcluster.housekeeping.worklist import Worklist
from localcluster.http.options import DeleteOptions
from localcluster.inprocess import Privileged
from localcluster.resources.resource import Resource
from localcluster.status import Refusal
from localcluster.store.revision import Change, Obj

_ROOT_CA = "kube-root-ca.crt"
_RETRY_SECONDS = 5.0
_DELETED_PER_STEP = 200
_ROOT_CA_NOTE = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such "
    "as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions "
    "of Kubernetes clusters."
)


class Namespaces:
    """Keeps every live namespace furnished, and every dying one on its way."""

    def __init__(self, cluster: Cluster, authority: bytes | None) -> None:
        self._cluster = cluster
        self._authority = (authority or b"").decode()
        self._api = Privileged(cluster, "kube-controller-manager")
        self._namespaces = self._api.resource("v1", "Namespace")
        self._terminating: set[str] = set()
        self.worklist: Worklist[str] = Worklist(self._reconcile)
        cluster.store.listen_to_everything(self)
        for revision in cluster.store.snapshot("namespaces", ""):
            self.worklist.add(revision.key[1])

    def offer(self, change: Change) -> None:
        if change.collection == "namespaces":
            self.worklist.add(change.key[1])
        elif change.key[0] in self._terminating or (
            change.after is None and change.key[1] in ("default", _ROOT_CA)
        ):
            self.worklist.add(change.key[0])

    def _reconcile(self, name: str) -> None:
        namespace = self._api.find(self._namespaces, "", name)
        if namespace is None:
            self._terminating.discard(name)
        elif "deletionTimestamp" in namespace["metadata"]:
            self._terminating.add(name)
            self._empty(namespace)
        else:
            self._furnish(name)

    def _furnish(self, name: str) -> None:
        store = self._cluster.store
        if store.find("serviceaccounts", (name, "default")) is None:
            self._api.create(_object("ServiceAccount", name, "default"))
        if store.find("configmaps", (name, _ROOT_CA)) is None:
            bundle = _object("ConfigMap", name, _ROOT_CA)
            bundle["metadata"]["annotations"] = {"kubernetes.io/description": _ROOT_CA_NOTE}
            bundle["data"] = {"ca.crt": self._authority}
            self._api.create(bundle)

    def _empty(self, namespace: Obj) -> None:
        name = namespace["metadata"]["name"]
        if "kubernetes" not in (namespace["spec"].get("finalizers") or ()):
            return
        remaining, finalizers = Counter[str](), Counter[str]()
        for resource in list(self._cluster.registry.collections(namespaced=True)):
            if not self._delete_some(resource, name):
                self.worklist.add(name)
                return
            for left in self._cluster.store.snapshot(resource.collection, name):
                remaining[_shown(resource)] += 1
                finalizers.update(left.load()["metadata"].get("finalizers") or ())
        if remaining:
            self._tell(name, remaining, finalizers)
            self.worklist.add_later(name, _RETRY_SECONDS)
            return
        self._terminating.discard(name)
        self._api.change(self._namespaces, "", name, _without_finalizer, "finalize")

    def _delete_some(self, resource: Resource, name: str) -> bool:
        """Delete as many objects as one step of the loop has time for; False where there are more."""
        deleted = 0
        for revision in self._cluster.store.snapshot(resource.collection, name):
            if b'"deletionTimestamp"' in revision.raw and "deletionTimestamp" in revision.load()["metadata"]:
                continue
            if deleted == _DELETED_PER_STEP:
                return False
            try:
                self._api.delete(resource, name, revision.key[1], DeleteOptions(propagation="Background"))
            except Refusal as refusal:
                if refusal.code not in (404, 409):
                    raise
            deleted += 1
        return True

    def _tell(self, name: str, remaining: Counter[str], finalizers: Counter[str]) -> None:
        conditions = _conditions(remaining, finalizers)

        def tell(namespace: Obj) -> None:
            status = namespace.setdefault("status", {})
            status["conditions"] = _with_times(conditions, status.get("conditions") or [])

        self._api.change(self._namespaces, "", name, tell, "status")


def _object(kind: str, namespace: str, name: str) -> Obj:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def _shown(resource: Resource) -> str:
    return f"{resource.plural}.{resource.group}"


def _without_finalizer(namespace: Obj) -> None:
    finalizers = namespace["spec"].get("finalizers") or []
    namespace["spec"]["finalizers"] = [each for each in finalizers if each != "kubernetes"]


def _conditions(remaining: Counter[str], finalizers: Counter[str]) -> list[dict[str, Any]]:
    """The five conditions of a namespace that is being emptied."""
    resources = ", ".join(
        f"{name} has {count} resource instances" for name, count in sorted(remaining.items())
    )
    held = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
    done = "ContentRemoved"
    return [
        _condition(
            "NamespaceDeletionDiscoveryFailure",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        _condition(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        _condition(
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        _condition(
            "NamespaceContentRemaining",
            "SomeResourcesRemain" if remaining else done,
            f"Some resources are remaining: {resources}" if remaining else "All content successfully removed",
            failing=bool(remaining),
        ),
        _condition(
            "NamespaceFinalizersRemaining",
            "SomeFinalizersRemain" if finalizers else "ContentHasNoFinalizers",
            f"Some content in the namespace has finalizers remaining: {held}"
            if finalizers
            else "All content-preserving finalizers finished",
            failing=bool(finalizers),
        ),
    ]


def _condition(kind: str, reason: str, message: str, *, failing: bool = False) -> dict[str, Any]:
    return {"type": kind, "status": "True" if failing else "False", "reason": reason, "message": message}


def _with_times(wanted: list[dict[str, Any]], present: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Conditions keep the time since when they hold."""
    before = {each["type"]: each for each in present}
    found = []
    for each in wanted:
        old = before.get(each["type"])
        since = old["lastTransitionTime"] if old and old["status"] == each["status"] else stamp()
        found.append({**each, "lastTransitionTime": since})
    return found
