"""The record of what one object has applied: `status.inventory` (specs/kustomize.md 9).

An entry's id is `<namespace>_<name>_<group>_<kind>`; two entries with one id are the same object,
whatever their API versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from shared.model.meta import Object, ObjectRef

# The only kinds whose names may hold a colon, which an id must not.
_RBAC_GROUP = "rbac.authorization.k8s.io"
_RBAC_KINDS = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})


class InvalidEntry(ValueError):
    """The text is no inventory id."""


def render_id(ref: ObjectRef) -> str:
    """`default_podinfo_apps_Deployment`; empty segments for the core group and for cluster scope."""
    name = ref.name
    if ref.group == _RBAC_GROUP and ref.kind in _RBAC_KINDS:
        name = name.replace(":", "__")
    return f"{ref.namespace}_{name}_{ref.group}_{ref.kind}"


def parse_id(text: str, version: str) -> ObjectRef:
    """The object behind an id, in the given API version. Raises InvalidEntry."""
    namespace, first, rest = text.partition("_")
    rest, second, kind = rest.rpartition("_")
    name, third, group = rest.rpartition("_")
    name = name.replace("__", ":")
    if not (first and second and third and name and kind and version) or "_" in name:
        raise InvalidEntry(f"unable to parse stored object metadata: {text[:300]}")
    return ObjectRef(f"{group}/{version}" if group else version, kind, namespace, name)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Objects by id, in the order in which they were applied."""

    _by_id: Mapping[str, ObjectRef]

    @classmethod
    def of(cls, refs: Iterable[ObjectRef]) -> Self:
        return cls({render_id(ref): ref for ref in refs})

    @classmethod
    def parse(cls, raw: Mapping[str, Any] | None) -> Self:
        """Read `status.inventory`. Raises InvalidEntry."""
        entries = (raw or {}).get("entries") or []
        return cls.of(parse_id(str(entry["id"]), str(entry["v"])) for entry in entries)

    def render(self) -> Object:
        return {"entries": [{"id": key, "v": ref.version} for key, ref in self._by_id.items()]}

    def __iter__(self) -> Iterator[ObjectRef]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, ref: ObjectRef) -> bool:
        return render_id(ref) in self._by_id

    def __or__(self, newer: Inventory) -> Inventory:
        """Ours, in the newer one's API versions, then what only the newer one has."""
        return Inventory({**self._by_id, **newer._by_id})

    def __sub__(self, other: Inventory) -> Inventory:
        """What the other has no entry for; API versions play no part."""
        return Inventory({key: ref for key, ref in self._by_id.items() if key not in other._by_id})
