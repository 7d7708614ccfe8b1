"""Set the number of replicas of objects by name."""

from collections.abc import Iterable

from shared.kustomize.errors import TransformFailed
from shared.kustomize.fieldspec import FieldSpec, Missing, change_field
from shared.kustomize.model import Replica
from shared.kustomize.resmap import ResMap


def set_replicas(resmap: ResMap, replica: Replica, specs: Iterable[FieldSpec]) -> None:
    """Set the count in every object of that name, past or present. Raises TransformFailed for none."""
    found = False
    candidates = resmap.named(replica.name)
    for spec in specs:
        for resource in candidates:
            if not any(i.name == replica.name and spec.gvk.selects(i.gvk) for i in resource.ids()):
                continue
            found = True
            if spec.gvk.selects(resource.gvk):
                change_field(resource.obj, spec, lambda _old: replica.count, Missing.SCALAR)
    if not found:
        raise TransformFailed(
            f"replicas: no resource with name {replica.name!r} and a kind that replicas can be set for"
        )
