"""What a write may not touch: fields reset per kind and subresource, generations, derived fields.

Order of a write: decode, default, field management (`managed`), then `prepare_create` or
`prepare_update`, then
validation. `prepare_*` change the new object in place; it shares nothing that may not change with the
live one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from localcluster.objects import fieldset
from localcluster.objects.fieldset import FieldSet
from localcluster.objects.prepared import daemonsets, jobs, pods, services
from localcluster.objects.schema import builtin
from localcluster.objects.typed import same
from localcluster.objects.zero import zero

Json = dict[str, Any]

# The parts of an object whose change raises the generation; kinds that are not listed have no generation of
# their own: what a client sends on create stays.
_GENERATION = {
    ("apps", "Deployment"): ("spec",),
    ("apps", "DaemonSet"): ("spec",),
    ("apps", "ReplicaSet"): ("spec",),
    ("apps", "StatefulSet"): ("spec",),
    ("batch", "Job"): ("spec",),
    ("batch", "CronJob"): ("spec",),
    ("networking.k8s.io", "Ingress"): ("spec",),
    ("networking.k8s.io", "IngressClass"): ("spec",),
    ("networking.k8s.io", "NetworkPolicy"): ("spec",),
    ("policy", "PodDisruptionBudget"): ("spec",),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): ("spec",),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): ("spec",),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): ("spec",),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): ("webhooks",),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): ("webhooks",),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): ("spec",),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): ("spec",),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): ("spec",),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): ("spec",),
    ("discovery.k8s.io", "EndpointSlice"): ("endpoints", "ports", "addressType"),
    ("resource.k8s.io", "DeviceClass"): ("spec",),
    ("resource.k8s.io", "ResourceSlice"): ("spec",),
    ("scheduling.k8s.io", "PriorityClass"): (),
    ("", "Pod"): ("spec",),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): ("spec",),
}
# Kinds whose status subresource takes no metadata from the request.
_STATUS_KEEPS_METADATA = {
    "FlowSchema",
    "PriorityLevelConfiguration",
    "ValidatingAdmissionPolicy",
    "VolumeAttachment",
}
# Metadata that the status subresource does not take.
_STATUS_KEEPS = {"Deployment": ("labels",), "Pod": ("deletionTimestamp", "ownerReferences")}
# Status which is not the business of the one who creates the object, and is not empty from the beginning.
_FIRST_STATUS: dict[str, Json] = {
    "Namespace": {"phase": "Active"},
    "PersistentVolumeClaim": {"phase": "Pending"},
    "PersistentVolume": {"phase": "Pending"},
}
_KEEPS_STATUS = {"Node"}


def _group(obj: Json) -> str:
    return str(obj.get("apiVersion", "")).rpartition("/")[0]


def reset_fields(group: str, kind: str, subresource: str, *, custom_status: bool | None = None) -> FieldSet:
    """The fields that nobody comes to own through a (sub)resource, because it resets them.

    `custom_status` is None for built-in kinds; for custom ones it says whether they have a status
    subresource.
    """
    if custom_status is not None:
        if subresource == "status":
            return fieldset.of_paths(("metadata",), ("spec",))
        return fieldset.of_paths(("status",)) if custom_status else {}
    return _builtin_reset(group, kind, subresource)


@lru_cache(maxsize=512)
def _builtin_reset(group: str, kind: str, subresource: str) -> FieldSet:
    if subresource == "status":
        paths: list[tuple[str, ...]] = [("spec",)]
        if kind in _STATUS_KEEPS_METADATA:
            paths.append(("metadata",))
        paths += [("metadata", name) for name in _STATUS_KEEPS.get(kind, ())]
        return fieldset.of_paths(*paths)
    if subresource or (group, kind) == ("certificates.k8s.io", "CertificateSigningRequest"):
        return fieldset.of_paths(("status",), *([("spec",)] if subresource in {"", "approval"} else []))
    return fieldset.of_paths(("status",))


def prepare_create(obj: Json, *, custom_status: bool | None = None) -> None:
    """Resets and derives what a creator does not decide. `metadata.uid` is already set."""
    meta = obj["metadata"]
    if custom_status is not None:
        meta["generation"] = 1
        if custom_status:
            obj.pop("status", None)
        return
    group, kind = _group(obj), obj["kind"]
    if (group, kind) in _GENERATION:
        meta["generation"] = 1
    _first_status(obj)
    if (prepare := _ON_CREATE.get(kind)) is not None and group in _PREPARED_GROUPS:
        prepare(obj)


def _first_status(obj: Json) -> None:
    kind = obj["kind"]
    group, _, version = obj["apiVersion"].rpartition("/")
    schema = builtin(group, version, kind)
    status = schema.fields.get("status") if schema is not None else None
    if status is None or kind in _KEEPS_STATUS:
        return
    if status.emit == "always":
        obj["status"] = {**zero(status), **_FIRST_STATUS.get(kind, {})}
    else:
        obj.pop("status", None)


def _namespace(obj: Json) -> None:
    finalizers = obj["spec"].setdefault("finalizers", [])
    if "kubernetes" not in finalizers:
        finalizers.append("kubernetes")


def _crd(obj: Json) -> None:
    stored = [one["name"] for one in obj["spec"].get("versions") or () if one.get("storage")]
    obj["status"]["storedVersions"] = stored[:1] or None


_PREPARED_GROUPS = {"", "apps", "batch", "apiextensions.k8s.io"}
_ON_CREATE = {
    "Namespace": _namespace,
    "CustomResourceDefinition": _crd,
    "Pod": pods.prepare_create,
    "Job": jobs.prepare_create,
    "DaemonSet": daemonsets.prepare_create,
}


def prepare_update(new: Json, old: Json, subresource: str = "", *, custom_status: bool | None = None) -> None:
    """Puts back what this (sub)resource may not change, and sets the generation."""
    if custom_status is not None:
        _custom_update(new, old, subresource, has_status=custom_status)
        return
    if subresource == "status":
        _status_update(new, old)
    elif not subresource:
        _main_update(new, old)
    _keep(new["metadata"], old["metadata"], "generation")
    group, kind = _group(new), new["kind"]
    parts = _GENERATION.get((group, kind))
    if parts is not None and subresource != "status" and _changed(new, old, parts, kind):
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


def _main_update(new: Json, old: Json) -> None:
    if "status" in new or "status" in old:
        _keep(new, old, "status")
    match new["kind"]:
        case "DaemonSet":
            daemonsets.prepare_update(new, old)
        case "Service" if not _group(new):
            services.prepare_update(new, old)
        case "Namespace":
            finalizers = old["spec"].get("finalizers")
            new["spec"] = {"finalizers": finalizers} if finalizers else {}
        case "CertificateSigningRequest":
            _keep(new, old, "spec")


def _status_update(new: Json, old: Json) -> None:
    for name in (*old, *new):
        if name not in {"metadata", "status"}:
            _keep(new, old, name)
    kind = new["kind"]
    meta = new["metadata"]
    if kind in _STATUS_KEEPS_METADATA:
        managed = meta.get("managedFields")
        new["metadata"] = meta = {**old["metadata"]}
        if managed is not None:
            meta["managedFields"] = managed
    for name in _STATUS_KEEPS.get(kind, ()):
        _keep(meta, old["metadata"], name)


def _keep(new: Json, old: Json, name: str) -> None:
    if name in old:
        new[name] = old[name]
    else:
        new.pop(name, None)


def _changed(new: Json, old: Json, parts: tuple[str, ...], kind: str) -> bool:
    if any(not same(new.get(part), old.get(part)) for part in parts):
        return True
    # Annotations of a deployment are copied to its replica sets.
    return kind == "Deployment" and not same(_annotations(new), _annotations(old))


def _annotations(obj: Json) -> Json:
    return obj["metadata"].get("annotations") or {}


def _custom_update(new: Json, old: Json, subresource: str, *, has_status: bool) -> None:
    if subresource == "status":
        status = new.get("status")
        managed = new["metadata"].get("managedFields")
        version = new["metadata"].get("resourceVersion")
        new.clear()
        new.update(old)
        new["metadata"] = {**old["metadata"]}
        for name, value in (("managedFields", managed), ("resourceVersion", version)):
            if value is not None:
                new["metadata"][name] = value
        if status is not None:
            new["status"] = status
        else:
            new.pop("status", None)
        return
    if has_status:
        _keep(new, old, "status")
    ignored = {"metadata", "status"} if has_status else {"metadata"}
    before = {name: value for name, value in old.items() if name not in ignored}
    after = {name: value for name, value in new.items() if name not in ignored}
    generation = old["metadata"].get("generation", 0)
    new["metadata"]["generation"] = generation if same(before, after) else generation + 1
