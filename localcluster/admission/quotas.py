"""ResourceQuotas: what objects use of them, and whether there is room for more.

What is used is summed up from the stored objects themselves whenever somebody asks, so it can't drift.
"""

from __future__ import annotations

from localcluster.admission import amounts
from localcluster.admission.amounts import Amounts
from localcluster.status import forbidden
from localcluster.store.revision import Obj, Revision
from localcluster.store.store import Store
from localcluster.verbs.call import Call

QUOTAS = "resourcequotas"
_COUNTED = frozenset(
    {
        "configmaps",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
    }
)
_NAMED_TWICE = ("cpu", "memory", "ephemeral-storage")
_DEMANDED = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
_ENDED = ("Failed", "Succeeded")
_CLASS = ".storageclass.storage.k8s.io/"


def charge(store: Store, call: Call, obj: Obj, old: Obj | None) -> None:
    """Raise 403 where a write would take more than a quota of the namespace has left."""
    resource = call.resource
    if not resource.namespaced or call.subresource or not store.collection(QUOTAS).within(call.namespace):
        return
    before = usage(resource.collection, old) if old is not None else {}
    grown = amounts.increase(usage(resource.collection, obj), before)
    if not grown:
        return
    name = obj["metadata"].get("name", "")
    for revision in store.snapshot(QUOTAS, call.namespace):
        quota = revision.load()
        hard = amounts.read((quota.get("spec") or {}).get("hard"))
        concerned = any(_collection_of(each) == resource.collection for each in hard)
        if not concerned or not in_scope(quota, obj):
            continue
        problem = _missing(quota, hard, obj) or _exceeded(store, quota, hard, grown)
        if problem:
            raise forbidden(resource.plural, resource.group, name, problem)


def _exceeded(store: Store, quota: Obj, hard: Amounts, grown: Amounts) -> str:
    asked = {name: amount for name, amount in grown.items() if name in hard}
    if not asked:
        return ""
    used = used_of(store, quota, tuple(asked))
    after = amounts.add(used, asked)
    over = [name for name in asked if after[name].value > hard[name].value]
    if not over:
        return ""
    told = (amounts.shown({name: part[name] for name in over}) for part in (asked, used, hard))
    requested, present, limited = told
    name = quota["metadata"]["name"]
    return f"exceeded quota: {name}, requested: {requested}, used: {present}, limited: {limited}"


def _missing(quota: Obj, hard: Amounts, obj: Obj) -> str:
    """A quota on CPU or memory demands that every container says how much it wants."""
    if obj["kind"] != "Pod":
        return ""
    lacking: dict[str, set[str]] = {}
    spec = obj["spec"]
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        given = _compute(container.get("resources") or {})
        for name in hard.keys() & _DEMANDED - given.keys():
            lacking.setdefault(name, set()).add(container["name"])
    if not lacking:
        return ""
    listed = "; ".join(f"{name} for: {','.join(sorted(lacking[name]))}" for name in sorted(lacking))
    return f"failed quota: {quota['metadata']['name']}: must specify {listed}"


def used_of(store: Store, quota: Obj, names: tuple[str, ...]) -> Amounts:
    """What the objects of its namespace use of a quota, for each of these names."""
    namespace = quota["metadata"]["namespace"]
    total = {name: amounts.number(0) for name in names}
    for collection in {_collection_of(name) for name in names}:
        for revision in store.snapshot(collection, namespace):
            if _scoped(quota) and not in_scope(quota, revision.load()):
                continue
            used = _used_by(collection, revision)
            total = amounts.add(total, {name: used[name] for name in names if name in used})
    return total


def _used_by(collection: str, revision: Revision) -> Amounts:
    known: Amounts | None = revision.remembered(QUOTAS)
    if known is None:
        known = usage(collection, revision.load())
        revision.remember(QUOTAS, known)
    return known


def _collection_of(name: str) -> str:
    """Where the objects are that use a resource of this name."""
    if name.startswith("count/"):
        return name.removeprefix("count/")
    if name in _COUNTED:
        return name
    if name.startswith("services."):
        return "services"
    return "persistentvolumeclaims" if _CLASS in name or name == "requests.storage" else "pods"


def usage(collection: str, obj: Obj) -> Amounts:
    """What an object uses, under all the names that quotas have for it."""
    one = amounts.number(1)
    used = {f"count/{collection}": one}
    if collection == "pods":
        return used | _of_pod(obj)
    if collection in _COUNTED:
        used[collection] = one
    if collection == "services":
        used |= _of_service(obj["spec"])
    elif collection == "persistentvolumeclaims":
        used |= _of_claim(obj["spec"])
    return used


def _of_pod(pod: Obj) -> Amounts:
    if (pod.get("status") or {}).get("phase") in _ENDED:
        return {}
    whole = {part: amounts.of_pod(pod, part) for part in ("requests", "limits")}
    return {"pods": amounts.number(1)} | _named(whole["requests"], whole["limits"])


def _compute(resources: Obj) -> Amounts:
    return _named(amounts.read(resources.get("requests")), amounts.read(resources.get("limits")))


def _named(requests: Amounts, limits: Amounts) -> Amounts:
    used = {f"requests.{name}": amount for name, amount in requests.items()}
    used |= {name: amount for name, amount in requests.items() if name in _NAMED_TWICE}
    return used | {f"limits.{name}": limits[name] for name in _NAMED_TWICE if name in limits}


def _of_service(spec: Obj) -> Amounts:
    kind, ports = spec.get("type"), len(spec.get("ports") or ())
    used: Amounts = {}
    if kind == "LoadBalancer":
        used["services.loadbalancers"] = amounts.number(1)
    if kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True)):
        used["services.nodeports"] = amounts.number(ports)
    return used


def _of_claim(spec: Obj) -> Amounts:
    used: Amounts = {}
    storage = amounts.read((spec.get("resources") or {}).get("requests")).get("storage")
    name = spec.get("storageClassName")
    if name:
        used[f"{name}{_CLASS}persistentvolumeclaims"] = amounts.number(1)
    if storage is not None:
        used["requests.storage"] = storage
        if name:
            used[f"{name}{_CLASS}requests.storage"] = storage
    return used


def _scoped(quota: Obj) -> bool:
    spec = quota.get("spec") or {}
    return bool(spec.get("scopes") or spec.get("scopeSelector"))


def in_scope(quota: Obj, obj: Obj) -> bool:
    """Whether a quota speaks of this object: one with scopes does of pods alone."""
    if not _scoped(quota):
        return True
    if obj["kind"] != "Pod":
        return False
    spec = quota["spec"]
    chosen = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    return all(_has_scope(obj, scope) for scope in spec.get("scopes") or ()) and all(
        _selects(obj, expression) for expression in chosen
    )


def _has_scope(pod: Obj, scope: str) -> bool:
    match scope:
        case "Terminating":
            return pod["spec"].get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return pod["spec"].get("activeDeadlineSeconds") is None
        case "BestEffort":
            return _is_best_effort(pod)
        case "NotBestEffort":
            return not _is_best_effort(pod)
        case "PriorityClass":
            return bool(pod["spec"].get("priorityClassName"))
    return False


def _is_best_effort(pod: Obj) -> bool:
    return not amounts.of_pod(pod, "requests") and not amounts.of_pod(pod, "limits")


def _selects(pod: Obj, expression: Obj) -> bool:
    if expression["scopeName"] != "PriorityClass":
        return _has_scope(pod, expression["scopeName"])
    name, values = pod["spec"].get("priorityClassName") or "", expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return name in values
        case "NotIn":
            return name not in values
        case "Exists":
            return bool(name)
    return not name
