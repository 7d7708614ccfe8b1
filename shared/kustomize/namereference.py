"""Follow renamed objects: write their new names where other objects refer to them."""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.kustomize.config import NameReference
from shared.kustomize.errors import ReferenceAmbiguous, TransformFailed
from shared.kustomize.fieldspec import FieldSpec, change_field
from shared.kustomize.resid import NOT_NAMESPACED, Gvk
from shared.kustomize.resource import Resource
from shared.logic.go_spelling import Blank, scalar_text


def fix_references(resources: Sequence[Resource], references: Iterable[NameReference]) -> None:
    """Update every name that means a renamed object. Raises ReferenceAmbiguous, TransformFailed."""
    renamed: dict[str, list[Resource]] = {}
    for resource in resources:
        if resource.kind == "RoleBinding":
            _subject_namespaces(resource)  # refuses a blank namespace, renamed objects or not
        for name in {old.name for old in resource.previous}:
            renamed.setdefault(name, []).append(resource)
    if not renamed:
        return
    living: dict[str, list[Resource]] = {}
    for resource in resources:
        living.setdefault(resource.original_id.namespace, []).append(resource)
    by_gvk: dict[Gvk, list[tuple[Gvk, FieldSpec]]] = {}
    table = list(references)
    for referrer in resources:
        gvk = referrer.original_id.gvk
        specs = by_gvk.get(gvk)
        if specs is None:
            specs = by_gvk[gvk] = [
                (reference.target, spec)
                for reference in table
                for spec in reference.referrers
                if spec.gvk.selects(gvk)
            ]
        if specs:
            _Referrer(referrer, renamed, living).fix(specs)


class _Referrer:
    """One object whose references are being fixed.

    `renamed`: objects by each of their earlier names. `living`: all of them, by their first namespace.
    """

    __slots__ = ("_id", "_living", "_renamed", "_resource", "_subject_namespaces")

    def __init__(
        self, resource: Resource, renamed: dict[str, list[Resource]], living: dict[str, list[Resource]]
    ) -> None:
        self._resource = resource
        self._renamed = renamed
        self._living = living
        self._id = resource.id
        self._subject_namespaces: set[str] | None = None

    def fix(self, specs: Iterable[tuple[Gvk, FieldSpec]]) -> None:
        for target, spec in specs:

            def change(value: Any, target: Gvk = target, spec: FieldSpec = spec) -> Any:
                return self._changed(value, target, spec)

            try:
                change_field(self._resource.obj, spec, change)
            except TransformFailed as error:
                if isinstance(error, ReferenceAmbiguous):
                    raise
                raise TransformFailed(
                    f"{self._resource.shown()}: updating name reference in {spec.path!r}: {error}"
                ) from error

    def _changed(self, value: Any, target: Gvk, spec: FieldSpec) -> Any:
        if value is None or isinstance(value, Blank):
            return value
        if isinstance(value, list):
            return [
                item if item is None or isinstance(item, list) else self._changed(item, target, spec)
                for item in value
            ]
        if isinstance(value, dict):
            return self._changed_mapping(value, target, spec)
        name = scalar_text(value)
        referral = self._referral(name, None, target, spec)
        return value if referral is None or referral.name == name else referral.name

    def _changed_mapping(self, value: dict[str, Any], target: Gvk, spec: FieldSpec) -> dict[str, Any]:
        """A reference that is a mapping holds a name and perhaps a namespace; both follow."""
        if "name" not in value:
            raise TransformFailed("path config error; no 'name' field in node")
        name = "" if isinstance(value["name"], dict | list) else scalar_text(value["name"])
        namespace = value.get("namespace")
        wanted = (
            scalar_text(namespace)
            if "namespace" in value and not isinstance(namespace, dict | list)
            else None
        )
        referral = self._referral(name, wanted, target, spec, with_namespace=True)
        if referral is None or (referral.name == name and not referral.namespace):
            return value
        value["name"] = referral.name
        if referral.namespace:
            value["namespace"] = referral.namespace
        return value

    def _referral(
        self, name: str, namespace: str | None, target: Gvk, spec: FieldSpec, *, with_namespace: bool = False
    ) -> Resource | None:
        """The object that is meant, or None; raises ReferenceAmbiguous for several."""
        found = [
            resource
            for resource in self._renamed.get(name, ())
            if any(target.selects(old.gvk) for old in resource.previous_ids) and self._reaches(resource)
        ]
        if found and namespace is not None:
            found = self._in_namespace(found, namespace)
        if found and spec.path.endswith("roleRef/name"):
            found = self._by_role(found)
        found = [resource for resource in found if self._same_namespace(resource)]
        for allow_empty in (True, False):
            if len(found) <= 1:
                break
            found = [resource for resource in found if self._same_affixes(resource, allow_empty=allow_empty)]
        if not found:
            return None
        first = found[0]
        if any(
            other.name != first.name or (with_namespace and other.namespace != first.namespace)
            for other in found[1:]
        ):
            places = ", ".join(resource.shown() for resource in found[:5])
            raise ReferenceAmbiguous(
                f"{self._resource.shown()}: found multiple possible referrals for {name!r} "
                f"in {spec.path!r}: {places}"
            )
        return first

    def _reaches(self, resource: Resource) -> bool:
        """Whether the referrer could see the object: same namespace, or one of them has none."""
        if NOT_NAMESPACED in (self._id.namespace, resource.id.namespace):
            return True
        if resource.id.namespace == self._id.namespace:
            return True
        if self._subject_namespaces is None:
            self._subject_namespaces = _subject_namespaces(self._resource)
        return resource.namespace in self._subject_namespaces

    def _in_namespace(self, found: list[Resource], namespace: str) -> list[Resource]:
        """Those that began in the namespace, if anything at all did; else those that are in it now."""
        if namespace != NOT_NAMESPACED and any(map(self._reaches, self._living.get(namespace, ()))):
            return [resource for resource in found if resource.original_id.namespace == namespace]
        return [resource for resource in found if resource.id.namespace == namespace]

    def _by_role(self, found: list[Resource]) -> list[Resource]:
        role = self._resource.obj.get("roleRef")
        if not isinstance(role, dict) or role.get("apiGroup") is None or role.get("kind") is None:
            return found
        wanted = Gvk(str(role["apiGroup"]), "", str(role["kind"]))
        return [
            resource for resource in found if any(wanted.selects(old.gvk) for old in resource.previous_ids)
        ]

    def _same_namespace(self, resource: Resource) -> bool:
        theirs = resource.id.namespace
        return (
            NOT_NAMESPACED in (self._id.namespace, theirs)
            or resource.kind == "ServiceAccount"
            or theirs == self._id.namespace
        )

    def _same_affixes(self, resource: Resource, *, allow_empty: bool) -> bool:
        mine = self._resource
        return _same_ending(mine.prefixes, resource.prefixes, allow_empty=allow_empty) and _same_ending(
            mine.suffixes, resource.suffixes, allow_empty=allow_empty
        )


def _same_ending(first: list[str], second: list[str], *, allow_empty: bool) -> bool:
    if allow_empty and not (first and second):
        return True
    shorter = min(len(first), len(second))
    if not shorter:
        return not first and not second
    return first[-shorter:] == second[-shorter:]


def _subject_namespaces(resource: Resource) -> set[str]:
    """The namespaces of the service accounts that a RoleBinding names."""
    subjects = resource.obj.get("subjects") if resource.kind == "RoleBinding" else None
    found = set()
    for subject in subjects if isinstance(subjects, list) else ():
        if isinstance(subject, dict) and "namespace" in subject and subject.get("kind") == "ServiceAccount":
            namespace = subject["namespace"]
            if not isinstance(namespace, str):
                raise TransformFailed(f"{resource.shown()}: Invalid Input: namespace is blank for a subject")
            found.add(namespace)
    return found
