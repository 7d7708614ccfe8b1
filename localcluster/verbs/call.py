"""Who does what to which resource: what every verb needs to know of its request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from localcluster.auth.users import User
from localcluster.resources.resource import Resource
from localcluster.store.revision import Key


@dataclass(frozen=True, slots=True)
class Call:
    """`manager` is the field manager where the request names none; `warnings` go into headers."""

    resource: Resource
    user: User
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    manager: str = "unknown"
    warnings: list[str] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return (self.namespace if self.resource.namespaced else "", self.name)

    def named(self, name: str) -> Call:
        """The same request about another object of the collection."""
        return replace(self, name=name)

    def through(self, subresource: str) -> Call:
        """The same request through another subresource, the object itself where empty."""
        return replace(self, subresource=subresource)

    def of(self, resource: Resource, name: str) -> Call:
        """The same request about an object of another kind in the same namespace."""
        return replace(self, resource=resource, name=name, subresource="")

    def within(self, key: Key) -> Call:
        """The same request about the object of this key, in its own namespace."""
        return replace(self, namespace=key[0] or self.namespace, name=key[1])
