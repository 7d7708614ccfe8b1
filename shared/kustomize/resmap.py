"""The objects of a build in order, no two with the same id."""

from collections import Counter
from collections.abc import Iterable

from shared.kustomize.errors import DuplicateResource, GeneratorFailed, LimitExceeded, PatchFailed
from shared.kustomize.resid import ResId
from shared.kustomize.resource import Resource
from shared.kustomize.selectors import Selector, anchored, labels_match
from shared.logic.go_spelling import scalar_text


class ResMap:
    """Objects in the order they were added. Ids are checked when objects come in, and on request."""

    __slots__ = ("_ids", "max_objects", "resources")

    def __init__(self, max_objects: int, resources: Iterable[Resource] = ()) -> None:
        self.resources = list(resources)
        self.max_objects = max_objects
        # Ids of `resources`, while nothing but appending has happened to them.
        self._ids: dict[ResId, Resource] | None = {}

    def append_all(self, resources: Iterable[Resource]) -> None:
        """Add objects. Raises DuplicateResource, LimitExceeded."""
        ids = self._ids
        if ids is None:
            ids = self._ids = {resource.id: resource for resource in self.resources}
        for resource in resources:
            known = ids.setdefault(resource.id, resource)
            if known is not resource:
                raise DuplicateResource(
                    f"may not add resource with an already registered id: {resource.shown()}, "
                    f"which is also in {known.source}"
                )
            self.resources.append(resource)
        if len(self.resources) > self.max_objects:
            raise LimitExceeded(f"more than {self.max_objects} objects")

    def changed(self) -> None:
        """Say that objects may have been renamed or deleted: the deleted ones are dropped."""
        self._ids = None
        self.resources = [resource for resource in self.resources if resource.obj]

    def require_distinct(self, why: str) -> None:
        """Raise DuplicateResource if two objects have come to share an id."""
        counts = Counter(resource.id for resource in self.resources if resource.obj)
        if len(counts) == len(self.resources):
            return
        for resource in self.resources:
            if counts[resource.id] > 1:
                same = [other.shown() for other in self.resources if other.id == resource.id]
                raise DuplicateResource(f"{why}: {' and '.join(same[:3])}")

    def named(self, name: str) -> list[Resource]:
        """The objects that have or had this name."""
        return [
            resource
            for resource in self.resources
            if resource.obj and (resource.name == name or any(old.name == name for old in resource.previous))
        ]

    def by_any_id(self, wanted: ResId, shown: str) -> Resource:
        """The one object that has or had this id. Raises PatchFailed."""
        found = [resource for resource in self.resources if resource.obj and _had_id(resource, wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            places = ", ".join(resource.shown() for resource in found[:5])
            raise PatchFailed(f"{shown}: multiple matches for {wanted}: {places}")
        raise PatchFailed(f"{shown}: no matches for {wanted} ({wanted.gvk}); nothing to patch")

    def absorb(self, resource: Resource) -> None:
        """Add a generated object, or merge or replace what its behavior asks for."""
        present = resource.id
        found = [other for other in self.resources if _had_id(other, present)]
        if not found:
            if resource.behavior in ("merge", "replace"):
                raise GeneratorFailed(f"{resource.shown()} does not exist; cannot {resource.behavior}")
            self.append_all([resource])
            return
        if len(found) > 1:
            places = ", ".join(other.shown() for other in found[:5])
            raise GeneratorFailed(
                f"{resource.shown()}: multiple objects could accept the {resource.behavior}: {places}"
            )
        if resource.behavior not in ("merge", "replace"):
            raise GeneratorFailed(
                f"{resource.shown()} exists already in {found[0].source}; behavior must be merge or replace"
            )
        _take_over(resource, found[0], merge=resource.behavior == "merge")
        self.resources[self.resources.index(found[0])] = resource
        self._ids = None

    def select(self, selector: Selector) -> list[Resource]:
        """The objects that a patch's target means, by their first or present name."""
        group, version, kind = map(anchored, selector.gvk)
        name, namespace = anchored(selector.name), anchored(selector.namespace)
        found = []
        for resource in self.resources:
            present = resource.id
            if not (kind(present.gvk.kind) and group(present.gvk.group) and version(present.gvk.version)):
                continue
            original = resource.original_id
            if not (namespace(original.namespace) or namespace(present.namespace)):
                continue
            if not (name(original.name) or name(present.name)):
                continue
            if selected_by_text(resource, selector):
                found.append(resource)
        return found


def _had_id(resource: Resource, wanted: ResId) -> bool:
    # The name decides nearly always, and costs far less than ids do.
    if resource.name != wanted.name and all(old.name != wanted.name for old in resource.previous):
        return False
    return wanted in resource.ids()


def selected_by_text(resource: Resource, selector: Selector) -> bool:
    """Whether labels and annotations meet the selectors given for them."""
    if selector.label_selector and not labels_match(selector.label_selector, resource.text_map("labels")):
        return False
    return not selector.annotation_selector or labels_match(
        selector.annotation_selector, resource.text_map("annotations")
    )


def _take_over(new: Resource, old: Resource, *, merge: bool) -> None:
    """Give a generated object the metadata, history and, to merge, the data of the one it replaces."""
    for field in ("labels", "annotations"):
        new.set_text_map(field, {**old.text_map(field), **new.text_map(field)})
    new.set_name(old.name)
    new.set_namespace(old.namespace)
    new.previous, new.prefixes, new.suffixes = old.previous, old.prefixes, old.suffixes
    new.needs_hash = new.needs_hash and old.needs_hash
    new.behavior = old.behavior
    new.variable_names = list(old.variable_names)
    new.overlays = old.overlays
    if not merge:
        return
    new.source = old.source
    for field in ("data", "binaryData"):
        texts: dict[str, str] = {}
        for obj in (old.obj, new.obj):
            data = obj.get(field)
            if isinstance(data, dict):
                texts |= {
                    key: scalar_text(value)
                    for key, value in data.items()
                    if not isinstance(value, dict | list)
                }
        if texts:
            new.obj[field] = texts
        else:
            new.obj.pop(field, None)
