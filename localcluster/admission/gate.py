"""Every write passes here on its way into the store."""

from __future__ import annotations

from copy import copy

from localcluster.admission import claims, limits, pods, quotas
from localcluster.admission.services import Addresses
from localcluster.admission.webhooks.dispatch import Webhooks
from localcluster.admission.webhooks.write import CREATE, Write
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
    """Namespace life cycle, rights given by roles, what pods, claims and services are given; webhooks.

    `within` is the same for writes that come from the server itself: they ask no webhook.
    """

    def __init__(self, store: Store, authorizer: Authorizer, webhooks: Webhooks) -> None:
        self._store = store
        self._authorizer = authorizer
        self._addresses = Addresses(store)
        self._webhooks: Webhooks | None = webhooks
        self.within = copy(self)
        self.within._webhooks = None  # noqa: SLF001 of the same class

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
                limits.complete(self._store, call, obj)
                pods.complete(self._store, call, obj)
            case "PersistentVolumeClaim" | "PersistentVolume":
                claims.complete(self._store, obj)
            case "Ingress":
                claims.complete_ingress(self._store, obj)

    async def mutate(self, write: Write) -> Obj | None:
        """The object as mutating webhooks want it."""
        return write.obj if self._webhooks is None else (await self._webhooks.mutate(write)).obj

    async def judge(self, write: Write) -> None:
        """Raises 403 for what is beyond the namespace's limits, and the Refusal of a webhook that objects."""
        if write.obj is not None:
            limits.require(self._store, write.call, write.obj, creating=write.operation == CREATE)
        if self._webhooks is not None:
            await self._webhooks.judge(write)

    async def consult(self, write: Write) -> Obj | None:
        """Both, for what is no object of its own (a Scale, a Binding, an Eviction)."""
        obj = await self.mutate(write)
        await self.judge(write.with_object(obj))
        return obj

    def charge(self, call: Call, obj: Obj, old: Obj | None) -> None:
        """Raises 403 where a quota has no room for it; to be followed by storing it in the same step."""
        quotas.charge(self._store, call, obj, old)

    def recheck_create(self, call: Call, obj: Obj) -> None:
        """Once more what may have changed while webhooks were asked. Raises as admit_create does."""
        if call.resource.namespaced:
            self._require_live_namespace(call, obj)
        if call.resource.custom is not None:
            self._require_live_definition(call.resource, call.resource.custom.definition)
        self.allocate(call, obj, None)

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
