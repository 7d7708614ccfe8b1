"""One resource in one version: what discovery tells of it and where its objects are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localcluster.resources.custom import CustomKind

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Subresource:
    """`deployments/scale`: group, version and kind are those of its body where it is another kind."""

    name: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as it is served under /apis/GROUP/VERSION/PLURAL.

    `collection` names where objects are stored; several versions, and both faces of events, share one.
    `custom` is set for kinds that a CustomResourceDefinition made.
    """

    group: str
    version: str
    plural: str
    kind: str
    singular: str
    namespaced: bool
    collection: str
    verbs: tuple[str, ...] = ALL_VERBS
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    list_kind: str = ""
    custom: CustomKind | None = None

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def stored(self) -> bool:
        """Whether objects of it exist; reviews and bindings are only ever created."""
        return "get" in self.verbs

    def subresource(self, name: str) -> Subresource | None:
        return next((sub for sub in self.subresources if sub.name == name), None)
