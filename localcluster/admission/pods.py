"""What every pod is given: a service account and its token, tolerations, a priority."""

from __future__ import annotations

import secrets
from typing import Any

from localcluster.status import forbidden
from localcluster.store.revision import Obj
from localcluster.store.store import Store
from localcluster.verbs.call import Call

_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 a path
_TOKEN_SECONDS = 3607
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_TOLERATION_SECONDS = 300
_UNREACHABLE = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_MIRROR = "kubernetes.io/config.mirror"


def complete(store: Store, call: Call, pod: Obj) -> None:
    """Raises 403 where the service account or priority class does not exist."""
    spec = pod["spec"]
    if _MIRROR not in (pod["metadata"].get("annotations") or {}):
        _give_account(store, call, pod)
    _tolerate_lost_nodes(spec)
    _give_priority(store, pod)


def _give_account(store: Store, call: Call, pod: Obj) -> None:
    spec = pod["spec"]
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    revision = store.find("serviceaccounts", (call.namespace, name))
    if revision is None:
        why = f'error looking up service account {call.namespace}/{name}: serviceaccount "{name}" not found'
        raise forbidden("pods", "", pod["metadata"].get("name", ""), why)
    account = revision.load()
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]
    if _wants_token(spec, account):
        _mount_token(spec)


def _wants_token(spec: dict[str, Any], account: Obj) -> bool:
    for each in (spec, account):
        if each.get("automountServiceAccountToken") is not None:
            return bool(each["automountServiceAccountToken"])
    return True


def _mount_token(spec: dict[str, Any]) -> None:
    """A projected volume in every container that has nothing of its own at that path."""
    volume = "kube-api-access-" + "".join(secrets.choice(_ALPHABET) for _ in range(5))
    mounted = False
    for container in [*(spec.get("initContainers") or ()), *spec.get("containers", ())]:
        mounts = container.get("volumeMounts") or []
        if any(mount.get("mountPath") == _TOKEN_PATH for mount in mounts):
            continue
        container["volumeMounts"] = [*mounts, {"name": volume, "readOnly": True, "mountPath": _TOKEN_PATH}]
        mounted = True
    if mounted:
        spec["volumes"] = [*(spec.get("volumes") or ()), _token_volume(volume)]


def _token_volume(name: str) -> dict[str, Any]:
    namespace = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": namespace}]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 420}}


def _tolerate_lost_nodes(spec: dict[str, Any]) -> None:
    tolerations = spec.get("tolerations") or []
    for key in _UNREACHABLE:
        if not any(_tolerates(each, key) for each in tolerations):
            added = {"key": key, "operator": "Exists", "effect": "NoExecute"}
            tolerations = [*tolerations, {**added, "tolerationSeconds": _TOLERATION_SECONDS}]
    spec["tolerations"] = tolerations


def _tolerates(toleration: dict[str, Any], key: str) -> bool:
    return toleration.get("key", key) in (key, "") and toleration.get("effect", "NoExecute") in (
        "NoExecute",
        "",
    )


def _give_priority(store: Store, pod: Obj) -> None:
    spec = pod["spec"]
    name = spec.get("priorityClassName")
    chosen: Obj | None = None
    if name:
        revision = store.find("priorityclasses.scheduling.k8s.io", ("", name))
        if revision is None:
            why = f"no PriorityClass with name {name} was found"
            raise forbidden("pods", "", pod["metadata"].get("name", ""), why)
        chosen = revision.load()
    else:
        classes = [each.load() for each in store.snapshot("priorityclasses.scheduling.k8s.io", "")]
        chosen = next((each for each in classes if each.get("globalDefault")), None)
        if chosen is not None:
            spec["priorityClassName"] = chosen["metadata"]["name"]
    spec["priority"] = chosen.get("value", 0) if chosen else 0
    spec.setdefault("preemptionPolicy", (chosen or {}).get("preemptionPolicy", "PreemptLowerPriority"))
