"""delete: at once, or marked until grace periods and finalizers let the object go."""

from __future__ import annotations

from datetime import timedelta

from localcluster import rules
from localcluster.admission.gate import Admission
from localcluster.admission.webhooks.write import DELETE, Write
from localcluster.clock import now, parse, stamp
from localcluster.http.options import DeleteOptions
from localcluster.status import conflict, not_found, success
from localcluster.store.revision import Obj, Revision
from localcluster.store.store import Store
from localcluster.verbs.call import Call
from localcluster.verbs.settling import Moved

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
CRD_CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
_JOB_WARNING = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove "
    "them or set propagationPolicy=Orphan to suppress this warning"
)
_ANSWERED_WITH_OBJECT = frozenset(
    {
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Pod",
        "PodTemplate",
        "ResourceQuota",
        "Service",
        "ServiceAccount",
        "StorageClass",
        "CSIDriver",
        "CSINode",
        "VolumeAttachment",
        "VolumeAttributesClass",
    }
)


async def delete(store: Store, admission: Admission, call: Call, options: DeleteOptions) -> Obj:
    """Delete or mark one object; returns the Status or the object that answers the request."""
    resource = call.resource
    live = store.find(resource.collection, call.key)
    if live is None:
        raise not_found(resource.plural, resource.group, call.name)
    admission.admit_delete(call)
    old = rules.from_storage(resource, live.load())
    _require_preconditions(call, options, live)
    write = Write(call, DELETE, None, old, options.as_object(), options.dry_run)
    await admission.mutate(write)
    await admission.judge(write)
    if store.find(resource.collection, call.key) is not live:
        raise Moved(call)
    obj = rules.from_storage(resource, live.load())
    if _mark(call, obj, options):
        if not options.dry_run and obj != old:
            stored = store.put(resource.collection, live.key, rules.to_storage(resource, obj))
            obj["metadata"]["resourceVersion"] = str(stored.version)
        return obj
    if not options.dry_run:
        store.delete(resource.collection, live.key)
    if resource.kind in _ANSWERED_WITH_OBJECT and not resource.custom:
        return obj
    return success(name=call.name, group=resource.group, kind=resource.plural, uid=live.uid)


def _require_preconditions(call: Call, options: DeleteOptions, live: Revision) -> None:
    resource = call.resource
    if options.uid is not None and options.uid != live.uid:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({live.uid}). "
            "The object might have been deleted and then recreated"
        )
        raise conflict(resource.kind, resource.group, call.name, why)
    if options.version is not None and options.version != str(live.version):
        why = (
            f"the ResourceVersion in the precondition ({options.version}) does not match the ResourceVersion "
            f"in record ({live.version}). The object might have been modified"
        )
        raise conflict(resource.kind, resource.group, call.name, why)


def _mark(call: Call, obj: Obj, options: DeleteOptions) -> bool:
    """Write into `obj` that it is being deleted; False where nothing holds it and it goes at once."""
    metadata = obj["metadata"]
    if call.resource.kind == "Namespace":
        return _mark_namespace(obj, options, call)
    if call.resource.kind == "CustomResourceDefinition" and "deletionTimestamp" not in metadata:
        metadata["finalizers"] = [*metadata.get("finalizers", ()), CRD_CLEANUP]
    _mark_propagation(call, metadata, options)
    is_pod = call.resource.kind == "Pod" and not call.resource.custom
    lingers = is_pod and _mark_pod(obj, options)
    if not metadata.get("finalizers") and not lingers:
        return False
    if "deletionTimestamp" not in metadata:
        metadata["deletionTimestamp"] = stamp()
        metadata["deletionGracePeriodSeconds"] = 0
        if metadata.get("generation"):
            metadata["generation"] += 1
    return True


def _mark_namespace(obj: Obj, options: DeleteOptions, call: Call) -> bool:
    metadata = obj["metadata"]
    _mark_propagation(call, metadata, options)
    if "deletionTimestamp" in metadata:
        return bool(obj["spec"].get("finalizers") or metadata.get("finalizers"))
    metadata["deletionTimestamp"] = stamp()
    obj.setdefault("status", {})["phase"] = "Terminating"
    return True


def _mark_propagation(call: Call, metadata: Obj, options: DeleteOptions) -> None:
    """Finalizers by which the garbage collector knows what to do with dependents."""
    policy = options.propagation
    finalizers: list[str] = metadata.get("finalizers") or []
    if policy is None:
        if ORPHAN in finalizers:
            policy = "Orphan"
        elif FOREGROUND in finalizers:
            policy = "Foreground"
        elif _orphans_by_default(call):
            policy = "Orphan"
            call.warnings.append(_JOB_WARNING)
    kept = [finalizer for finalizer in finalizers if finalizer not in (ORPHAN, FOREGROUND)]
    added = {"Orphan": [ORPHAN], "Foreground": [FOREGROUND]}.get(policy or "", [])
    if kept + added:
        metadata["finalizers"] = kept + added
    else:
        metadata.pop("finalizers", None)


def _orphans_by_default(call: Call) -> bool:
    return call.resource.group == "batch" and call.resource.kind == "Job"


def _mark_pod(obj: Obj, options: DeleteOptions) -> bool:
    """Pods get time to stop. True while they have some left; whoever runs the pod then deletes it."""
    metadata, spec = obj["metadata"], obj["spec"]
    present = metadata.get("deletionGracePeriodSeconds")
    grace = options.grace_seconds
    if grace is None:
        grace = present if present is not None else spec.get("terminationGracePeriodSeconds", 30)
    unscheduled = not spec.get("nodeName")
    ended = (obj.get("status") or {}).get("phase") in ("Failed", "Succeeded")
    if unscheduled or ended:
        grace = 0
    if present is not None and "deletionTimestamp" in metadata:
        return _shorten(metadata, grace, present)
    metadata["deletionTimestamp"] = stamp(now() + timedelta(seconds=grace))
    metadata["deletionGracePeriodSeconds"] = grace
    if metadata.get("generation"):
        metadata["generation"] += 1
    return bool(grace > 0)


def _shorten(metadata: Obj, grace: int, present: int) -> bool:
    if grace >= present:
        return present > 0
    begun = parse(metadata["deletionTimestamp"])
    assert begun is not None
    metadata["deletionTimestamp"] = stamp(begun - timedelta(seconds=present - grace))
    metadata["deletionGracePeriodSeconds"] = grace
    return grace > 0
