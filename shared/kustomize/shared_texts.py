"""Labels that kustomize writes as one node into several mappings, so that later they change together.

A label that a transformer adds to an object's metadata, its selector and its pod template is one YAML
node there. Whoever changes it in one of them (a patch, a replacement, another label) changes all.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.kustomize.resource import Resource


class SharedText:
    """One text under the same key of several mappings of one object."""

    __slots__ = ("key", "places", "value")

    def __init__(self, key: str, value: str, places: list[dict[str, Any]]) -> None:
        self.key = key
        self.value = value
        self.places = places

    def spread(self) -> None:
        """Where the value of one place has been changed, change the others."""
        found = [place[self.key] for place in self.places if self.key in place]
        changed = [value for value in found if value != self.value]
        if not changed:
            return
        self.value = changed[-1]
        for place in self.places:
            if self.key in place:
                place[self.key] = self.value


class Additions:
    """The mappings of one object to which a transformer adds, by key."""

    __slots__ = ("_pairs", "_places")

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._pairs = pairs
        self._places: list[tuple[dict[str, Any], frozenset[str]]] = []

    def add_to(self, mapping: dict[str, Any]) -> None:
        """Set the pairs; a key that is there already keeps its own node."""
        self._places.append((mapping, frozenset(self._pairs.keys() - mapping.keys())))
        mapping.update(self._pairs)

    def shared(self) -> Iterable[SharedText]:
        for key, value in self._pairs.items():
            places = [mapping for mapping, created in self._places if key in created]
            if len(places) > 1:
                yield SharedText(key, value, places)


def spread(resources: Iterable[Resource]) -> None:
    """To be called after every transformer."""
    for resource in resources:
        for shared in resource.shared:
            shared.spread()
