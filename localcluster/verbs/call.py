"""Who does what to which resource: what every verb needs to know of its request."""

from __future__ import annotations

from dataclasses import dataclass, field

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
        return Call(
            self.resource, self.user, self.namespace, name, self.subresource, self.manager, self.warnings
        )

    def within(self, key: Key) -> Call:
        """The same request about the object of this key, in its own namespace."""
        namespace = key[0] or self.namespace
        return Call(
            self.resource, self.user, namespace, key[1], self.subresource, self.manager, self.warnings
        )
