"""Tables of the cluster's own things: namespaces, nodes, storage, rights, classes, events."""

from __future__ import annotations

from typing import Any

from localcluster.present.age import UNKNOWN, since
from localcluster.present.cells import (
    NONE,
    UNSET,
    Column,
    Columns,
    at,
    column,
    columns,
    joined,
    name_of,
    number,
    shown,
    text,
    wide,
)
from localcluster.present.workload_kinds import AGE
from localcluster.store.revision import Obj

_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def _count(*fields: str) -> Any:
    return lambda obj: sum(len(obj.get(field) or ()) for field in fields)


def _modes(modes: list[str] | None) -> str:
    return ",".join(short for mode, short in _MODES.items() if mode in (modes or ()))


def _volume_mode(obj: Obj) -> str:
    return str((obj.get("spec") or {}).get("volumeMode", UNSET))


def _claim(obj: Obj) -> str:
    claim = obj["spec"].get("claimRef")
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def _phase(obj: Obj) -> str:
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    return str((obj.get("status") or {}).get("phase", ""))


def _claim_capacity(obj: Obj) -> str:
    status = obj.get("status") or {}
    if not obj["spec"].get("volumeName"):
        return ""
    return str((status.get("capacity") or {}).get("storage", "0"))


def _claim_modes(obj: Obj) -> str:
    return _modes((obj.get("status") or {}).get("accessModes")) if obj["spec"].get("volumeName") else ""


def _storage_class(obj: Obj) -> str:
    annotations = obj["metadata"].get("annotations") or {}
    return str(
        annotations.get("volume.beta.kubernetes.io/storage-class")
        or obj["spec"].get("storageClassName")
        or ""
    )


def _default_class(obj: Obj) -> str:
    annotations = obj["metadata"].get("annotations") or {}
    marked = annotations.get("storageclass.kubernetes.io/is-default-class") == "true"
    return f"{name_of(obj)} (default)" if marked else name_of(obj)


def _node_status(obj: Obj) -> str:
    conditions = {each["type"]: each["status"] for each in (obj.get("status") or {}).get("conditions") or ()}
    ready = {"True": "Ready", None: "Unknown"}.get(conditions.get("Ready"), "NotReady")
    return f"{ready},SchedulingDisabled" if (obj.get("spec") or {}).get("unschedulable") else ready


def _node_roles(obj: Obj) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = obj["metadata"].get("labels") or {}
    return joined(sorted(label.removeprefix(prefix) for label in labels if label.startswith(prefix)))


def _node_address(kind: str) -> Any:
    def read(obj: Obj) -> str:
        addresses = (obj.get("status") or {}).get("addresses") or ()
        return next((each["address"] for each in addresses if each["type"] == kind), NONE)

    return read


def _role(obj: Obj) -> str:
    return f"{obj['roleRef']['kind']}/{obj['roleRef']['name']}"


def _subjects(kind: str) -> Any:
    def read(obj: Obj) -> str:
        found = [each for each in obj.get("subjects") or () if each["kind"] == kind]
        if kind == "ServiceAccount":
            return ", ".join(f"{each.get('namespace', '')}/{each['name']}" for each in found)
        return ", ".join(each["name"] for each in found)

    return read


_BINDING = columns(
    text("Role", _role),
    AGE,
    wide("Users", _subjects("User")),
    wide("Groups", _subjects("Group")),
    wide("ServiceAccounts", _subjects("ServiceAccount")),
)


def _last_seen(obj: Obj) -> str:
    series = obj.get("series") or {}
    return since(series.get("lastObservedTime") or obj.get("lastTimestamp") or obj.get("eventTime"))


def _first_seen(obj: Obj) -> str:
    return since(obj.get("firstTimestamp") or obj.get("eventTime"))


def _event_object(obj: Obj) -> str:
    subject = obj.get("involvedObject") or obj.get("regarding") or {}
    return f"{subject.get('kind', '').lower()}/{subject.get('name', '')}"


def _event_source(obj: Obj) -> str:
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    component = (
        source.get("component") or obj.get("reportingComponent") or obj.get("reportingController") or ""
    )
    return joined([component, *([source["host"]] if source.get("host") else [])], ", ") if component else ""


def _event_count(obj: Obj) -> int:
    series = obj.get("series") or {}
    return int(series.get("count") or obj.get("count") or obj.get("deprecatedCount") or 1)


_EVENT = columns(
    text("Last Seen", _last_seen),
    text("Type", at("type")),
    text("Reason", at("reason")),
    text("Object", _event_object),
    wide(
        "Subobject",
        lambda obj: (obj.get("involvedObject") or obj.get("regarding") or {}).get("fieldPath", ""),
    ),
    wide("Source", _event_source),
    text("Message", lambda obj: (obj.get("message") or obj.get("note") or "").strip()),
    wide("First Seen", _first_seen),
    wide("Count", _event_count),
    Column("Name", "string", 1, name_of, "Name must be unique within a namespace.", "name"),
    named=False,
)


def _request_condition(obj: Obj) -> str:
    status = obj.get("status") or {}
    kinds = [each["type"] for each in status.get("conditions") or ()]
    shown_as = [kind for kind in ("Approved", "Denied", "Failed") if kind in kinds] or ["Pending"]
    return ",".join([*shown_as, "Issued"] if status.get("certificate") else shown_as)


def _hard(prefix: str) -> Any:
    def read(obj: Obj) -> str:
        status = obj.get("status") or {}
        hard, used = status.get("hard") or {}, status.get("used") or {}
        chosen = sorted(name for name in hard if name.startswith("limits.") is (prefix == "limits"))
        return ", ".join(f"{name}: {used.get(name, 0)}/{hard[name]}" for name in chosen)

    return read


def _api_service(obj: Obj) -> str:
    service = obj["spec"].get("service")
    return f"{service['namespace']}/{service['name']}" if service else "Local"


def _available(obj: Obj) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    found = next((each for each in conditions if each["type"] == "Available"), None)
    if found is None:
        return "Unknown"
    return "True" if found["status"] == "True" else f"{found['status']} ({found.get('reason', '')})"


COLUMNS: dict[tuple[str, str], Columns] = {
    ("", "ConfigMap"): columns(text("Data", _count("data", "binaryData")), AGE),
    ("", "Secret"): columns(text("Type", at("type")), text("Data", _count("data")), AGE),
    ("", "ServiceAccount"): columns(text("Secrets", _count("secrets")), AGE),
    ("", "Namespace"): columns(text("Status", at("status.phase")), AGE),
    ("", "Node"): columns(
        text("Status", _node_status),
        text("Roles", _node_roles),
        AGE,
        text("Version", at("status.nodeInfo.kubeletVersion")),
        wide("Internal-IP", _node_address("InternalIP")),
        wide("External-IP", _node_address("ExternalIP")),
        wide("OS-Image", shown("status.nodeInfo.osImage", UNKNOWN)),
        wide("Kernel-Version", shown("status.nodeInfo.kernelVersion", UNKNOWN)),
        wide("Container-Runtime", shown("status.nodeInfo.containerRuntimeVersion", UNKNOWN)),
    ),
    ("", "PersistentVolume"): columns(
        text("Capacity", at("spec.capacity.storage")),
        text("Access Modes", lambda obj: _modes(obj["spec"].get("accessModes"))),
        text("Reclaim Policy", at("spec.persistentVolumeReclaimPolicy")),
        text("Status", _phase),
        text("Claim", _claim),
        text("StorageClass", _storage_class),
        text("VolumeAttributesClass", shown("spec.volumeAttributesClassName", UNSET)),
        text("Reason", at("status.reason")),
        AGE,
        wide("VolumeMode", _volume_mode),
    ),
    ("", "PersistentVolumeClaim"): columns(
        text("Status", _phase),
        text("Volume", at("spec.volumeName")),
        text("Capacity", _claim_capacity),
        text("Access Modes", _claim_modes),
        text("StorageClass", _storage_class),
        text("VolumeAttributesClass", shown("spec.volumeAttributesClassName", UNSET)),
        AGE,
        wide("VolumeMode", _volume_mode),
    ),
    ("", "ResourceQuota"): columns(text("Request", _hard("requests")), text("Limit", _hard("limits")), AGE),
    ("", "Event"): _EVENT,
    ("events.k8s.io", "Event"): _EVENT,
    ("rbac.authorization.k8s.io", "RoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _BINDING,
    ("coordination.k8s.io", "Lease"): columns(text("Holder", at("spec.holderIdentity")), AGE),
    ("scheduling.k8s.io", "PriorityClass"): columns(
        number("Value", at("value", 0)),
        column("Global-Default", "boolean", 0, at("globalDefault", default=False)),
        AGE,
        text("PreemptionPolicy", at("preemptionPolicy")),
    ),
    ("node.k8s.io", "RuntimeClass"): columns(text("Handler", at("handler")), AGE),
    ("storage.k8s.io", "StorageClass"): columns(
        Column("Name", "string", 0, _default_class, "Name must be unique within a namespace.", "name"),
        text("Provisioner", at("provisioner")),
        text("ReclaimPolicy", shown("reclaimPolicy", "Delete")),
        text("VolumeBindingMode", shown("volumeBindingMode", "Immediate")),
        text("AllowVolumeExpansion", at("allowVolumeExpansion", default=False)),
        AGE,
        named=False,
    ),
    ("certificates.k8s.io", "CertificateSigningRequest"): columns(
        AGE,
        text("SignerName", shown("spec.signerName")),
        text("Requestor", at("spec.username")),
        text("RequestedDuration", shown("spec.expirationSeconds")),
        text("Condition", _request_condition),
    ),
    ("apiregistration.k8s.io", "APIService"): columns(
        text("Service", _api_service), text("Available", _available), AGE
    ),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): columns(
        number("Webhooks", _count("webhooks")), AGE
    ),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): columns(
        number("Webhooks", _count("webhooks")), AGE
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): columns(
        number("Validations", lambda obj: len(obj["spec"].get("validations") or ())),
        text("ParamKind", shown("spec.paramKind.kind", UNSET)),
        AGE,
    ),
}
