"""The order in which Helm applies and removes kinds (specs/helm.md 20.2); unknown kinds come last."""

from __future__ import annotations

_FIRST = ("PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy")
_SETTINGS = ("PodDisruptionBudget", "ServiceAccount", "Secret", "SecretList", "ConfigMap")
_STORAGE = ("StorageClass", "PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition")
_ROLES = ("ClusterRole", "ClusterRoleList", "ClusterRoleBinding", "ClusterRoleBindingList")
_LOCAL_ROLES = ("Role", "RoleList", "RoleBinding", "RoleBindingList")
_SERVICE = ("Service",)
_WORKLOADS = (
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
)
_ENTRANCES = ("IngressClass", "Ingress", "APIService")
_WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")

_BEFORE_SERVICE = _FIRST + _SETTINGS + _STORAGE + _ROLES + _LOCAL_ROLES
INSTALL_ORDER = _BEFORE_SERVICE + _SERVICE + _WORKLOADS + _ENTRANCES + _WEBHOOKS
# Not quite the reverse: a Service goes before the workloads behind it: nobody is sent to them any more.
UNINSTALL_ORDER = (
    *reversed(_WEBHOOKS),
    *reversed(_ENTRANCES),
    *_SERVICE,
    *reversed(_WORKLOADS),
    *reversed(_BEFORE_SERVICE),
)

_INSTALL_RANK = {kind: rank for rank, kind in enumerate(INSTALL_ORDER)}
_UNINSTALL_RANK = {kind: rank for rank, kind in enumerate(UNINSTALL_ORDER)}


def install_key(kind: str) -> tuple[int, str]:
    """A key for sorting: equal kinds keep their order when the sort is stable."""
    return _key(kind, _INSTALL_RANK)


def uninstall_key(kind: str) -> tuple[int, str]:
    """As install_key, for removal."""
    return _key(kind, _UNINSTALL_RANK)


def _key(kind: str, ranks: dict[str, int]) -> tuple[int, str]:
    rank = ranks.get(kind)
    return (len(ranks), kind) if rank is None else (rank, "")
