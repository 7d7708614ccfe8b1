"""The API for those inside the process: the same verbs and rules, without HTTP.

Simulated controllers use `InProcess` (async, for when work will wait); housekeeping uses `Privileged`,
whose calls are one step of the event loop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from localcluster import rules
from localcluster.auth.users import CONTROLLERS, User
from localcluster.cluster import Cluster
from localcluster.http.accept import Form
from localcluster.http.options import DeleteOptions, WriteOptions, read_list_options
from localcluster.resources.resource import Resource
from localcluster.status import Refusal, no_such_resource
from localcluster.store.revision import Obj
from localcluster.verbs import creating, deleting, reading, updating, watching
from localcluster.verbs.call import Call
from localcluster.verbs.settling import at_once


class Privileged:
    """Acts as a user who may everything; `manager` owns the fields it writes. Raises Refusal."""

    def __init__(self, cluster: Cluster, manager: str, user: User = CONTROLLERS) -> None:
        self._cluster = cluster
        self._store = cluster.store
        # Its writes ask no webhook, so they never wait.
        self._admission = cluster.admission.within
        self._user = user
        self._options = WriteOptions(dry_run=False, manager=manager, validation="Ignore")

    def resource(self, api_version: str, kind: str) -> Resource:
        found = self._cluster.registry.of_kind(api_version, kind)
        if found is None:
            raise no_such_resource()
        return found

    def call(self, resource: Resource, namespace: str, name: str, subresource: str = "") -> Call:
        return Call(resource, self._user, namespace, name, subresource, self._options.manager)

    def find(self, resource: Resource, namespace: str, name: str) -> Obj | None:
        key = (namespace if resource.namespaced else "", name)
        revision = self._cluster.store.find(resource.collection, key)
        return None if revision is None else rules.from_storage(resource, revision.load())

    def create(self, obj: Obj) -> Obj:
        resource = self.resource(obj["apiVersion"], obj["kind"])
        namespace = obj["metadata"].get("namespace", "")
        call = self.call(resource, namespace, "")
        obj = rules.decode(resource, obj, (), "Ignore", [])
        return at_once(creating.create(self._store, self._admission, call, obj, self._options))

    def update(self, obj: Obj, subresource: str = "") -> Obj:
        """Replace an object under optimistic locking; with `status`, its status alone."""
        resource = self.resource(obj["apiVersion"], obj["kind"])
        metadata = obj["metadata"]
        call = self.call(resource, metadata.get("namespace", ""), metadata["name"], subresource)
        obj = rules.decode(resource, obj, (), "Ignore", [])
        return at_once(updating.update(self._store, self._admission, call, obj, self._options))[0]

    def change(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        edit: Callable[[Obj], None],
        subresource: str = "",
    ) -> Obj:
        """Edit the present object in place and store it."""
        call = self.call(resource, namespace, name, subresource)

        def edited(obj: Obj) -> Obj:
            edit(obj)
            return obj

        return at_once(updating.change(self._store, self._admission, call, edited, self._options))

    def delete(self, resource: Resource, namespace: str, name: str, options: DeleteOptions) -> Obj:
        call = self.call(resource, namespace, name)
        return at_once(deleting.delete(self._store, self._admission, call, options))


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """ADDED, MODIFIED or DELETED, and the object."""

    type: str
    object: Obj


class InProcess:
    """What simulated controllers use: async, as a client's would be, answering with fresh objects."""

    def __init__(self, cluster: Cluster, manager: str = "kube-controller-manager") -> None:
        self._cluster = cluster
        self._direct = Privileged(cluster, manager)

    async def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Obj | None:
        """The object, or None where there is none."""
        return self._direct.find(self._direct.resource(api_version, kind), namespace, name)

    async def list(
        self, api_version: str, kind: str, namespace: str = "", *, label_selector: str = ""
    ) -> list[Obj]:
        """All objects of a namespace (everywhere where empty) that match, sorted by namespace and name."""
        resource = self._direct.resource(api_version, kind)
        options = read_list_options({"labelSelector": label_selector}, watch=False)
        call = self._direct.call(resource, namespace, "")
        page = reading.list_page(self._cluster.store, call, options)
        return [rules.from_storage(resource, revision.load()) for revision in page.revisions]

    async def create(self, obj: Obj) -> Obj:
        """Raises Refusal, as all the writes below do."""
        return self._direct.create(obj)

    async def update(self, obj: Obj) -> Obj:
        return self._direct.update(obj)

    async def update_status(self, obj: Obj) -> Obj:
        return self._direct.update(obj, "status")

    async def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str = "",
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
        propagation: str = "Background",
    ) -> None:
        """Delete; an object that is not there any more is no error."""
        resource = self._direct.resource(api_version, kind)
        options = DeleteOptions(grace_seconds=grace_seconds, uid=uid, propagation=propagation)
        try:
            self._direct.delete(resource, namespace, name, options)
        except Refusal as refusal:
            if refusal.code != 404:
                raise

    async def watch(
        self, api_version: str, kind: str, query: Mapping[str, str] | None = None
    ) -> AsyncIterator[WatchEvent]:
        """Everything there is, as ADDED, then every change; ends only where the reader falls behind."""
        resource = self._direct.resource(api_version, kind)
        options = read_list_options({"watch": "true", **(query or {})}, watch=True)
        call = self._direct.call(resource, "", "")
        async for chunk in watching.watch(self._cluster.store, call, options, Form.WHOLE):
            for line in chunk.splitlines():
                event: dict[str, Any] = orjson.loads(line)
                yield WatchEvent(event["type"], event["object"])
