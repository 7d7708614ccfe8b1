"""Services: Endpoints and EndpointSlices that follow the pods."""

from __future__ import annotations

from collections.abc import Mapping

from localcluster.cluster import Cluster
from localcluster.controllers.access import ENDPOINT_SLICE, ENDPOINTS, SERVICE, Access
from localcluster.controllers.endpoints import endpoints_of, slice_of
from localcluster.controllers.labelled import Labelled
from localcluster.controllers.ownership import Owned
from localcluster.controllers.pod_facts import PodFacts, facts_of
from localcluster.controllers.selecting import Selecting
from localcluster.housekeeping.worklist import Worklist
from localcluster.selectors.labels import from_object
from localcluster.store.revision import Change, Key, Obj, Revision

_FOLLOWED = ("subsets", "endpoints", "ports")


class Services:
    def __init__(self, cluster: Cluster, pods: Labelled, slices: Owned) -> None:
        self._access = Access(cluster)
        self._pods = pods
        self._slices = slices
        self._selecting = Selecting()
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        self._access.listen(SERVICE, self._service_changed)
        self._slices.tell(SERVICE, self.worklist.add)
        self._pods.tell(self._pod_changed)
        for revision in self._access.snapshot(SERVICE):
            self._note(revision)
        self.worklist.start()

    def _note(self, revision: Revision) -> None:
        selector = revision.load()["spec"].get("selector")
        if selector:
            self._selecting.put(revision.key, selector)
        else:
            self._selecting.drop(revision.key)
        self.worklist.add(revision.key)

    def _service_changed(self, change: Change) -> None:
        if change.after is not None:
            self._note(change.after)
            return
        self._selecting.drop(change.key)
        if change.before is not None and change.before.load()["spec"].get("selector"):
            self._access.delete(ENDPOINTS, change.key)

    def _pod_changed(self, namespace: str, labels: Mapping[str, str]) -> None:
        for key in self._selecting.concerned(namespace, labels):
            self.worklist.add(key)

    def reconcile(self, key: Key) -> None:
        service = self._access.get(SERVICE, key)
        if service is None or "deletionTimestamp" in service["metadata"]:
            return
        spec = service["spec"]
        selector = spec.get("selector")
        if not selector or spec.get("type") == "ExternalName":
            return
        matching = from_object({"matchLabels": selector})
        pods: list[PodFacts] = [
            facts_of(revision) for revision in self._pods.select(key[0], matching, selector)
        ]
        self._keep_endpoints(key, endpoints_of(service, pods))
        self._keep_slice(service, slice_of(service, pods))

    def _keep_endpoints(self, key: Key, wanted: Obj) -> None:
        present = self._access.get(ENDPOINTS, key)
        if present is None:
            self._access.create(wanted)
        elif _differs(present, wanted):
            self._access.change(ENDPOINTS, key, lambda obj: _follow(obj, wanted))

    def _keep_slice(self, service: Obj, wanted: Obj) -> None:
        present = self._slices.objects(service["metadata"]["uid"])
        if not present:
            self._access.create(wanted)
        elif _differs(present[0], wanted):
            key = (present[0]["metadata"]["namespace"], present[0]["metadata"]["name"])
            self._access.change(ENDPOINT_SLICE, key, lambda obj: _follow(obj, wanted))


def _differs(present: Obj, wanted: Obj) -> bool:
    if (present["metadata"].get("labels") or {}) != wanted["metadata"]["labels"]:
        return True
    return any((present.get(field) or []) != (wanted.get(field) or []) for field in _FOLLOWED)


def _follow(present: Obj, wanted: Obj) -> None:
    present["metadata"]["labels"] = wanted["metadata"]["labels"]
    for field in _FOLLOWED:
        if field in wanted:
            present[field] = wanted[field]
        else:
            present.pop(field, None)
