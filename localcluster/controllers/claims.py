"""Volume claims: bound to a volume that fits, or to one that is made for them; volumes let go in the end."""

from __future__ import annotations

import asyncio
from fractions import Fraction

from localcluster.cluster import Cluster
from localcluster.controllers.access import CLAIM, CLASS, VOLUME, Access
from localcluster.controllers.directives import Directives, Failure, annotations_of
from localcluster.controllers.settings import WorkloadSettings
from localcluster.housekeeping.worklist import Worklist
from localcluster.objects import quantity
from localcluster.store.revision import Change, Key, Obj

_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
_BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
_BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"
_PROVISIONER = "localcluster.headwater.dev/provisioner"


class Claims:
    """Volumes are made for claims of every class, whether a StorageClass of that name exists or not, but not
    for claims of the class "": those wait for a volume that somebody made.
    """

    def __init__(self, cluster: Cluster, settings: WorkloadSettings) -> None:
        self._access = Access(cluster)
        self._settings = settings
        self._seen: dict[str, float] = {}
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        self._access.listen(CLAIM, self._claim_changed)
        self._access.listen(VOLUME, self._volume_changed)
        for kind in (CLAIM, VOLUME):
            for revision in self._access.snapshot(kind):
                self.worklist.add(revision.key)
        self.worklist.start()

    def _claim_changed(self, change: Change) -> None:
        if change.after is not None:
            self.worklist.add(change.key)
            return
        assert change.before is not None
        self._seen.pop(change.before.uid, None)
        volume = change.before.load()["spec"].get("volumeName")
        if volume:
            self.worklist.add(("", volume))

    def _volume_changed(self, change: Change) -> None:
        self.worklist.add(change.key)
        if change.before is None:
            for revision in self._access.snapshot(CLAIM):
                if b'"phase":"Bound"' not in revision.raw:
                    self.worklist.add(revision.key)

    def reconcile(self, key: Key) -> None:
        """A key with a namespace is a claim's, one without a volume's."""
        if key[0]:
            self._settle_claim(key)
        else:
            self._settle_volume(key)

    def _settle_claim(self, key: Key) -> None:
        claim = self._access.get(CLAIM, key)
        if claim is None or "deletionTimestamp" in claim["metadata"]:
            return
        directives = Directives.read(self._settings.delay, annotations_of(claim))
        left = self._seconds_left(claim, directives)
        if left > 0:
            self.worklist.add_later(key, left)
            return
        volume = self._bound_volume(claim)
        if volume is None and directives.failure is not Failure.NEVER_READY:
            volume = self._matching_volume(claim) or self._provision(claim)
        if volume is None:
            self._access.write_status(CLAIM, claim, {**(claim.get("status") or {}), "phase": "Pending"})
            return
        self._bind(key, claim, volume)

    def _seconds_left(self, claim: Obj, directives: Directives) -> float:
        """Until this claim may be bound; nothing for one that is."""
        if (claim.get("status") or {}).get("phase") == "Bound":
            return 0.0
        moment = asyncio.get_running_loop().time()
        begun = self._seen.setdefault(claim["metadata"]["uid"], moment)
        return begun + directives.ready_after - moment

    def _bound_volume(self, claim: Obj) -> Obj | None:
        name = claim["spec"].get("volumeName")
        return self._access.get(VOLUME, ("", name)) if name else None

    def _matching_volume(self, claim: Obj) -> Obj | None:
        """The smallest free volume that holds what is asked for, or one that is reserved for this claim."""
        if claim["spec"].get("volumeName"):
            return None
        fitting = []
        for revision in self._access.snapshot(VOLUME):
            volume = revision.load()
            if _is_for(volume, claim):
                fitting.append((_size(volume), revision.key))
        return self._access.get(VOLUME, min(fitting)[1]) if fitting else None

    def _provision(self, claim: Obj) -> Obj | None:
        name = _class_of(claim)
        if name == "" or claim["spec"].get("volumeName"):
            return None
        storage_class = self._access.get(CLASS, ("", name)) if name else None
        late = storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
        if late and _SELECTED_NODE not in annotations_of(claim):
            return None
        reclaim = (storage_class or {}).get("reclaimPolicy", "Delete")
        return self._access.create(_volume(claim, name, reclaim))

    def _bind(self, key: Key, claim: Obj, volume: Obj) -> None:
        name = volume["metadata"]["name"]
        if (volume["spec"].get("claimRef") or {}).get("uid") != claim["metadata"]["uid"]:
            reference = _reference(claim)
            volume = self._access.change(
                VOLUME, ("", name), lambda obj: obj["spec"].update(claimRef=reference)
            )
        self._access.write_status(VOLUME, volume, {**(volume.get("status") or {}), "phase": "Bound"})
        if not claim["spec"].get("volumeName") or _BIND_COMPLETED not in annotations_of(claim):
            bound = {**claim, "spec": {**claim["spec"], "volumeName": name}}
            added = {_BIND_COMPLETED: "yes"}
            if not claim["spec"].get("volumeName"):
                added[_BOUND_BY_CONTROLLER] = "yes"
            annotations = {**annotations_of(claim), **added}
            bound["metadata"] = {**claim["metadata"], "annotations": annotations}
            self._access.write(CLAIM, claim, bound, subresource="")
            claim = self._access.get(CLAIM, key) or claim
        status = {
            **(claim.get("status") or {}),
            "phase": "Bound",
            "accessModes": volume["spec"].get("accessModes") or claim["spec"]["accessModes"],
            "capacity": dict(volume["spec"]["capacity"]),
        }
        self._access.write_status(CLAIM, claim, status)

    def _settle_volume(self, key: Key) -> None:
        """Available until claimed; once its claim is gone, deleted or kept as its reclaim policy says."""
        volume = self._access.get(VOLUME, key)
        if volume is None:
            return
        status = volume.get("status") or {}
        reference = volume["spec"].get("claimRef")
        if reference and self._is_claimed(reference):
            return
        if not reference or not reference.get("uid"):
            self._access.write_status(VOLUME, volume, {**status, "phase": "Available"})
            return
        self._access.write_status(VOLUME, volume, {**status, "phase": "Released"})
        if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
            self._access.delete(VOLUME, key)

    def _is_claimed(self, reference: Obj) -> bool:
        claim = self._access.revision(CLAIM, (reference["namespace"], reference["name"]))
        return claim is not None and claim.uid == reference.get("uid")


def _class_of(claim: Obj) -> str | None:
    """The class that a claim names; None where it leaves that to the cluster."""
    old: str | None = annotations_of(claim).get(_BETA_CLASS)
    name: str | None = claim["spec"].get("storageClassName")
    return old if old is not None else name


def _is_for(volume: Obj, claim: Obj) -> bool:
    spec = volume["spec"]
    reference = spec.get("claimRef")
    metadata = claim["metadata"]
    if "deletionTimestamp" in volume["metadata"]:
        return False
    if reference:
        named = (reference.get("namespace"), reference.get("name"))
        return named == (metadata["namespace"], metadata["name"]) and (
            not reference.get("uid") or reference["uid"] == metadata["uid"]
        )
    enough = _size(volume) >= quantity.parse(_asked(claim)).value
    modes = set(claim["spec"]["accessModes"]) <= set(spec.get("accessModes") or ())
    return enough and modes and spec.get("storageClassName", "") == (_class_of(claim) or "")


def _asked(claim: Obj) -> str:
    asked: str = claim["spec"]["resources"]["requests"]["storage"]
    return asked


def _size(volume: Obj) -> Fraction:
    return quantity.parse(volume["spec"]["capacity"]["storage"]).value


def _reference(claim: Obj) -> Obj:
    metadata = claim["metadata"]
    return {
        "apiVersion": CLAIM.api_version,
        "kind": CLAIM.name,
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    }


def _volume(claim: Obj, storage_class: str | None, reclaim: str) -> Obj:
    name = f"pvc-{claim['metadata']['uid']}"
    spec: Obj = {
        "accessModes": claim["spec"]["accessModes"],
        "capacity": {"storage": _asked(claim)},
        "claimRef": _reference(claim),
        "hostPath": {"path": f"/simulated/{name}", "type": ""},
        "persistentVolumeReclaimPolicy": reclaim,
        "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
    }
    if storage_class:
        spec["storageClassName"] = storage_class
    return {
        "apiVersion": VOLUME.api_version,
        "kind": VOLUME.name,
        "metadata": {"name": name, "annotations": {_PROVISIONED_BY: _PROVISIONER}},
        "spec": spec,
    }
