"""Volume claims, volumes and storage classes."""

from __future__ import annotations

from typing import Any

from localcluster.objects import forms, quantity
from localcluster.objects.causes import Cause, forbidden, invalid, required, unsupported
from localcluster.objects.forms import each
from localcluster.objects.typed import same
from localcluster.objects.validation import selectors

Json = dict[str, Any]

_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_RECLAIM = ("Delete", "Recycle", "Retain")
_BINDING = ("Immediate", "WaitForFirstConsumer")
_CLAIM_RULE = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName "
    "for bound claims"
)


def claim(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes: list[Cause] = []
    modes = spec.get("accessModes") or []
    if not modes:
        causes.append(required("spec.accessModes", "at least 1 access mode is required"))
    causes += selectors.label_selector(spec.get("selector"), "spec.selector")
    causes += _access_modes(modes)
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    field = "spec.resources[storage]"
    if size is None:
        causes.append(required(field))
    elif quantity.parse(str(size)).value <= 0:
        causes.append(invalid(field, size, "must be greater than zero"))
    if name := spec.get("storageClassName"):
        causes += each("spec.storageClassName", name, forms.dns_subdomain(name))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in {"Block", "Filesystem"}:
        causes.append(unsupported("spec.volumeMode", mode, ("Block", "Filesystem")))
    return causes


def _access_modes(modes: list[str]) -> list[Cause]:
    causes = [
        unsupported("spec.accessModes", mode, _ACCESS_MODES) for mode in modes if mode not in _ACCESS_MODES
    ]
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        detail = "may not use ReadWriteOncePod with other access modes"
        causes.append(forbidden("spec.accessModes", detail))
    return causes


def claim_update(new: Json, old: Json) -> list[Cause]:
    spec, before = new["spec"], old["spec"]
    changed = {name for name in {*spec, *before} if not same(spec.get(name), before.get(name))}
    # A claim without volume takes one, and a bound one may grow.
    if not before.get("volumeName"):
        changed -= {"volumeName"}
    if before.get("storageClassName") is None:
        changed -= {"storageClassName"}
    if (new.get("status") or {}).get("phase") == "Bound":
        changed -= {"resources", "volumeAttributesClassName"}
    causes = [forbidden("spec", _CLAIM_RULE)] if changed else []
    capacity = ((old.get("status") or {}).get("capacity") or {}).get("storage", "0")
    now, was = _size(spec), _size(before)
    if now is not None and was is not None and was > now <= quantity.parse(capacity).value:
        detail = "field can not be less than status.capacity"
        causes.append(forbidden("spec.resources.requests.storage", detail))
    if spec.get("volumeMode") != before.get("volumeMode"):
        causes.append(invalid("volumeMode", spec.get("volumeMode"), "field is immutable"))
    return causes


def _size(spec: Json) -> Any:
    text = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    return None if text is None else quantity.parse(str(text)).value


def volume(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    modes = spec.get("accessModes") or []
    causes = [] if modes else [required("spec.accessModes")]
    causes += _access_modes(modes)
    capacity = spec.get("capacity") or {}
    if not capacity:
        causes.append(required("spec.capacity"))
    elif set(capacity) != {"storage"}:
        causes.append(unsupported("spec.capacity", capacity, ("storage",)))
    policy = spec.get("persistentVolumeReclaimPolicy", "")
    if policy not in _RECLAIM:
        causes.append(unsupported("spec.persistentVolumeReclaimPolicy", policy, _RECLAIM))
    if not _sources(spec):
        causes.append(required("spec", "must specify a volume type"))
    return causes


_NO_SOURCES = {
    "capacity",
    "accessModes",
    "claimRef",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "mountOptions",
    "volumeMode",
    "nodeAffinity",
    "volumeAttributesClassName",
}


def _sources(spec: Json) -> Json:
    return {name: value for name, value in spec.items() if name not in _NO_SOURCES and value is not None}


def volume_update(new: Json, old: Json) -> list[Cause]:
    spec, before = new["spec"], old["spec"]
    causes: list[Cause] = []
    if not same(_sources(spec), _sources(before)):
        detail = "spec.persistentvolumesource is immutable after creation"
        causes.append(forbidden("spec.persistentvolumesource", detail))
    if spec.get("volumeMode") != before.get("volumeMode"):
        causes.append(invalid("volumeMode", spec.get("volumeMode"), "field is immutable"))
    return causes


def storage_class(obj: Json) -> list[Cause]:
    causes: list[Cause] = []
    provisioner = obj.get("provisioner", "")
    if not provisioner:
        causes.append(required("provisioner"))
    else:
        causes += each("provisioner", provisioner, forms.qualified_name(provisioner.lower()))
    policy = obj.get("reclaimPolicy")
    if policy is not None and policy not in {"Delete", "Retain"}:
        causes.append(unsupported("reclaimPolicy", policy, ("Delete", "Retain")))
    mode = obj.get("volumeBindingMode")
    if mode not in _BINDING:
        causes.append(unsupported("volumeBindingMode", mode, _BINDING))
    return causes


def storage_class_update(new: Json, old: Json) -> list[Cause]:
    causes: list[Cause] = []
    if not same(new.get("parameters") or {}, old.get("parameters") or {}):
        causes.append(forbidden("parameters", "updates to parameters are forbidden."))
    if new.get("provisioner") != old.get("provisioner"):
        causes.append(forbidden("provisioner", "updates to provisioner are forbidden."))
    if new.get("reclaimPolicy") != old.get("reclaimPolicy"):
        causes.append(forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden."))
    if new.get("volumeBindingMode") != old.get("volumeBindingMode"):
        causes.append(invalid("volumeBindingMode", new.get("volumeBindingMode"), "field is immutable"))
    return causes
