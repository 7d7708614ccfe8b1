"""Custom resource definitions: names accepted, kinds served, and everything cleaned up in the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localcluster.clock import stamp
from localcluster.cluster import Cluster
from localcluster.housekeeping.worklist import Worklist
from localcluster.http.options import DeleteOptions
from localcluster.inprocess import Privileged
from localcluster.resources.custom import resources_of
from localcluster.store.revision import Change, Obj
from localcluster.verbs.deleting import CRD_CLEANUP

COLLECTION = "customresourcedefinitions.apiextensions.k8s.io"
_DELETED_PER_STEP = 200


class Definitions:
    """Serves what established definitions define."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = Privileged(cluster, "kube-apiserver")
        self._resource = self._api.resource("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        self._emptying: dict[str, str] = {}
        self.worklist: Worklist[str] = Worklist(self._reconcile)
        cluster.store.listen(COLLECTION, self)
        cluster.store.listen_to_everything(_Emptied(self))

    def publish_stored(self) -> None:
        """Serve what was established before a restart."""
        for revision in self._cluster.store.snapshot(COLLECTION, ""):
            definition = revision.load()
            if is_true(definition, "Established"):
                self._cluster.registry.publish(revision.key[1], resources_of(definition))
            self.worklist.add(revision.key[1])

    def offer(self, change: Change) -> None:
        if change.after is None:
            self._cluster.registry.withdraw(change.key[1])
        self.worklist.add(change.key[1])

    def object_gone(self, change: Change) -> None:
        """An object of a definition that is being deleted has gone."""
        definition = self._emptying.get(change.collection)
        if definition is not None:
            self.worklist.add(definition)

    def _reconcile(self, name: str) -> None:
        definition = self._api.find(self._resource, "", name)
        if definition is None:
            return
        if "deletionTimestamp" in definition["metadata"]:
            self._empty(definition)
            return
        status = self._status(definition)
        if status != definition.get("status"):
            self._api.change(self._resource, "", name, lambda obj: obj.update(status=status), "status")
            return
        if is_true(definition, "Established"):
            self._cluster.registry.publish(name, resources_of(definition))

    def _status(self, definition: Obj) -> Obj:
        present = definition.get("status") or {}
        names = definition["spec"]["names"]
        taken = self._taken(definition)
        status = {
            "conditions": list(present.get("conditions") or ()),
            "acceptedNames": dict(present.get("acceptedNames") or {"plural": "", "kind": ""}),
            "storedVersions": _stored_versions(definition),
        }
        conflict = next(((why, name) for why, name in _claims(names) if name in taken), None)
        if conflict is None:
            status["acceptedNames"] = names
            _set(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found")
            established = "the initial names have been accepted"
            _set(status, "Established", "True", "InitialNamesAccepted", established)
        else:
            _set(status, "NamesAccepted", "False", conflict[0], f'"{conflict[1]}" is already in use')
            if not is_true(definition, "Established"):
                _set(status, "Established", "False", "NotAccepted", "not all names are accepted")
        return status

    def _taken(self, definition: Obj) -> set[str]:
        """Names in use by other definitions of the group."""
        taken: set[str] = set()
        for revision in self._cluster.store.snapshot(COLLECTION, ""):
            other = revision.load()
            if (
                other["spec"]["group"] == definition["spec"]["group"]
                and other["metadata"]["name"] != definition["metadata"]["name"]
            ):
                accepted = (other.get("status") or {}).get("acceptedNames") or {}
                taken.update(name for _, name in _claims(accepted))
        return taken

    def _empty(self, definition: Obj) -> None:
        """Delete the objects; when none is left, let the definition go."""
        spec, name = definition["spec"], definition["metadata"]["name"]
        finalizers = definition["metadata"].get("finalizers") or []
        if CRD_CLEANUP not in finalizers:
            return
        collection = f"{spec['names']['plural']}.{spec['group']}"
        self._emptying[collection] = name
        if not is_true(definition, "Terminating"):
            self._api.change(self._resource, "", name, _tell_terminating, "status")
        resource = next(iter(self._cluster.registry.of_definition(name)), None)
        left = self._cluster.store.snapshot(collection, "")
        if resource is not None:
            unmarked = [revision for revision in left if b'"deletionTimestamp"' not in revision.raw]
            for revision in unmarked[:_DELETED_PER_STEP]:
                self._api.delete(resource, *revision.key, DeleteOptions(propagation="Background"))
            left = self._cluster.store.snapshot(collection, "")
        if left:
            return
        del self._emptying[collection]
        self._cluster.registry.withdraw(name)
        kept = [finalizer for finalizer in finalizers if finalizer != CRD_CLEANUP]
        self._api.change(self._resource, "", name, lambda obj: _keep_finalizers(obj, kept))


class _Emptied:
    """Hears of every deletion in the store."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def offer(self, change: Change) -> None:
        if change.after is None:
            self._definitions.object_gone(change)


def _tell_terminating(obj: Obj) -> None:
    status = obj["status"]
    status["conditions"] = list(status.get("conditions") or ())
    message = "CustomResource deletion is in progress"
    _set(status, "Terminating", "True", "InstanceDeletionInProgress", message)


def _keep_finalizers(obj: Obj, kept: list[str]) -> None:
    if kept:
        obj["metadata"]["finalizers"] = kept
    else:
        obj["metadata"].pop("finalizers", None)


def _claims(names: Obj) -> Iterable[tuple[str, str]]:
    """Names that must be unique in a group, with the reason to give where they are not."""
    for key, reason in (
        ("plural", "Plural"),
        ("singular", "Singular"),
        ("kind", "Kind"),
        ("listKind", "ListKind"),
    ):
        if names.get(key):
            yield f"{reason}Conflict", names[key]
    for name in names.get("shortNames") or ():
        yield "ShortNamesConflict", name


def _stored_versions(definition: Obj) -> list[str]:
    stored = list((definition.get("status") or {}).get("storedVersions") or ())
    storage = next(version["name"] for version in definition["spec"]["versions"] if version.get("storage"))
    return stored if storage in stored else [*stored, storage]


def is_true(definition: Obj, condition: str) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)


def _set(status: dict[str, Any], kind: str, value: str, reason: str, message: str) -> None:
    wanted = {"type": kind, "status": value, "reason": reason, "message": message}
    for at, each in enumerate(status["conditions"]):
        if each["type"] == kind:
            if each["status"] != value:
                wanted["lastTransitionTime"] = stamp()
            else:
                wanted["lastTransitionTime"] = each["lastTransitionTime"]
            status["conditions"][at] = wanted
            return
    status["conditions"].append({**wanted, "lastTransitionTime": stamp()})
