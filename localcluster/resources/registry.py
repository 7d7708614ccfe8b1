"""What is served at this moment: built-in resources, and those of established definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from localcluster.resources.builtin import builtin_resources
from localcluster.resources.resource import Resource


class Registry:
    """Resources by path and by kind. `generation` rises with each change, so that documents can be kept."""

    def __init__(self) -> None:
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_kind: dict[tuple[str, str, str], Resource] = {}
        self._by_collection: dict[str, Resource] = {}
        self._builtin_groups: dict[str, list[str]] = {}
        self._custom: dict[str, list[Resource]] = {}
        self._listeners: list[Callable[[str], None]] = []
        self.generation = 0
        for resource in builtin_resources():
            self._add(resource)
            versions = self._builtin_groups.setdefault(resource.group, [])
            if resource.version not in versions:
                versions.append(resource.version)

    def _add(self, resource: Resource) -> None:
        self._by_path[resource.group, resource.version, resource.plural] = resource
        self._by_kind[resource.group, resource.version, resource.kind] = resource
        if resource.stored:
            self._by_collection.setdefault(resource.collection, resource)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        return self._by_path.get((group, version, plural))

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        group, _, version = api_version.rpartition("/")
        return self._by_kind.get((group, version, kind))

    def of_collection(self, collection: str) -> Resource | None:
        """A resource whose objects are kept there; None where it is not served."""
        return self._by_collection.get(collection)

    def versions_of(self, resource: Resource) -> list[Resource]:
        """The other versions (and groups) in which the same objects are served, preferred ones first."""
        return [
            other
            for other in self._unique_by_preference()
            if other.collection == resource.collection and other is not resource
        ]

    def is_builtin_group(self, group: str) -> bool:
        return group in self._builtin_groups

    def publish(self, definition: str, resources: list[Resource]) -> None:
        """Serve these versions of a custom resource in place of those served before."""
        self.withdraw(definition)
        self._custom[definition] = resources
        for resource in resources:
            self._add(resource)
        self.generation += 1
        self._tell(resources)

    def withdraw(self, definition: str) -> None:
        gone = self._custom.pop(definition, [])
        for resource in gone:
            self._by_path.pop((resource.group, resource.version, resource.plural), None)
            self._by_kind.pop((resource.group, resource.version, resource.kind), None)
            self._by_collection.pop(resource.collection, None)
            self.generation += 1
        self._tell(gone)

    def listen(self, hear: Callable[[str], None]) -> None:
        """Have `hear` called with each group whose custom resources change; it must not block or raise."""
        self._listeners.append(hear)

    def _tell(self, resources: list[Resource]) -> None:
        for group in {resource.group for resource in resources}:
            for hear in self._listeners:
                hear(group)

    def of_definition(self, definition: str) -> list[Resource]:
        """The resources that a definition serves at present."""
        return self._custom.get(definition, [])

    def groups(self) -> list[str]:
        """Group names: built-in ones in order of preference, then custom ones by name; core is ''."""
        custom = {resource.group for resources in self._custom.values() for resource in resources}
        return [*self._builtin_groups, *sorted(custom - self._builtin_groups.keys())]

    def versions(self, group: str) -> list[str]:
        """Versions of a group, preferred first; empty for an unknown group."""
        versions = list(self._builtin_groups.get(group, ()))
        custom = {r.version for rs in self._custom.values() for r in rs if r.group == group}
        return versions + sorted(custom - set(versions), key=version_rank)

    def resources(self, group: str, version: str) -> list[Resource]:
        return [r for r in self._by_path.values() if r.group == group and r.version == version]

    def collections(self, *, namespaced: bool) -> Iterator[Resource]:
        """One resource for each place where objects are kept."""
        seen: set[str] = set()
        for resource in self._unique_by_preference():
            if resource.stored and resource.namespaced == namespaced and resource.collection not in seen:
                seen.add(resource.collection)
                yield resource

    def _unique_by_preference(self) -> Iterable[Resource]:
        for group in self.groups():
            for version in self.versions(group):
                yield from self.resources(group, version)


def version_rank(version: str) -> tuple[int, int, int, str]:
    """Sort key by which v2 comes before v1, before v1beta2, before v1alpha1, before anything else."""
    head, kind, tail = version, "", ""
    for stage in ("alpha", "beta"):
        if stage in version:
            head, _, tail = version.partition(stage)
            kind = stage
    number, minor = head.removeprefix("v"), tail
    if not head.startswith("v") or not number.isdigit() or (kind and not minor.isdigit()):
        return (1, 0, 0, version)
    stability = {"": 0, "beta": 1, "alpha": 2}[kind]
    return (0, stability, -int(number) * 1000 - int(minor or 0), version)
