"""Every write passes here on its way into the store."""

from __future__ import annotations

from localcluster.admission import claims, pods
from localcluster.admission.services import Addresses
from localcluster.auth.escalation import require_may_grant
from localcluster.auth.rbac import Authorizer
from localcluster.resources.resource import Resource
from localcluster.status import Refusal, forbidden, not_found
from localcluster.store.revision import Obj
from localcluster.store.store import Store
from localcluster.verbs.call import Call

_DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


class Admission:
    """Namespace life cycle, rights given by roles, and what pods, claims and services are given."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer
        self._addresses = Addresses(store)

    def admit_create(self, call: Call, obj: Obj) -> None:
        """Before the object is validated; may change it. Raises 403 and 404 Refusals."""
        if call.resource.namespaced:
            self._require_live_namespace(call, obj)
        require_may_grant(self._authorizer, call, obj, None)
        if call.resource.custom is not None:
            self._require_live_definition(call.resource, call.resource.custom.definition)
            return
        match call.resource.kind:
            case "Pod":
                pods.complete(self._store, call, obj)
            case "PersistentVolumeClaim" | "PersistentVolume":
                claims.complete(self._store, obj)
            case "Ingress":
                claims.complete_ingress(self._store, obj)

    def admit_update(self, call: Call, obj: Obj, old: Obj) -> None:
        require_may_grant(self._authorizer, call, obj, old)

    def admit_delete(self, call: Call) -> None:
        if call.resource.kind == "Namespace" and call.name in IMMORTAL:
            raise forbidden("namespaces", "", call.name, "this namespace may not be deleted")

    def allocate(self, call: Call, obj: Obj, old: Obj | None) -> None:
        """Give a service its addresses and node ports; nothing is taken until the object is stored."""
        if call.resource.kind == "Service" and not call.resource.group and not call.subresource:
            self._addresses.allocate(obj, old)

    def _require_live_definition(self, resource: Resource, name: str) -> None:
        definition = self._store.find(_DEFINITIONS, ("", name))
        if definition is None or b'"deletionTimestamp"' not in definition.raw:
            return
        if "deletionTimestamp" in definition.load()["metadata"]:
            why = "create not allowed while custom resource definition is terminating"
            details = {"group": resource.group, "kind": resource.plural}
            raise Refusal(405, "MethodNotAllowed", why, details)

    def _require_live_namespace(self, call: Call, obj: Obj) -> None:
        namespace = self._store.find("namespaces", ("", call.namespace))
        if namespace is None:
            raise not_found("namespaces", "", call.namespace)
        if b'"deletionTimestamp"' in namespace.raw:
            raise _terminating(call, obj)


def _terminating(call: Call, obj: Obj) -> Refusal:
    resource = call.resource
    why = f"unable to create new content in namespace {call.namespace} because it is being terminated"
    refusal = forbidden(resource.plural, resource.group, obj["metadata"].get("name", ""), why)
    assert refusal.details is not None
    refusal.details["causes"] = [
        {
            "reason": "NamespaceTerminating",
            "message": f"namespace {call.namespace} is being terminated",
            "field": "metadata.namespace",
        }
    ]
    return refusal
