"""What is wrong with an object: metadata for every kind, and the rules of the kinds that have some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcluster.objects.causes import Cause
from localcluster.objects.crd.structural import validate_crd, validate_crd_update
from localcluster.objects.validation import (
    batch,
    configs,
    events,
    networking,
    pods,
    quotas,
    rbac,
    scaling,
    services,
    storage,
    webhooks,
    workloads,
)
from localcluster.objects.validation.meta import check_meta, check_meta_update, name_check

Json = dict[str, Any]
Kind = tuple[str, str]

_CREATE: dict[Kind, Callable[[Json], list[Cause]]] = {
    ("", "ConfigMap"): configs.config_map,
    ("", "Secret"): configs.secret,
    ("", "Service"): services.service,
    ("", "Pod"): pods.pod,
    ("events.k8s.io", "Event"): events.event,
    ("", "PodTemplate"): pods.pod_template,
    ("", "PersistentVolumeClaim"): storage.claim,
    ("", "PersistentVolume"): storage.volume,
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "ReplicaSet"): workloads.replica_set,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("batch", "Job"): batch.job,
    ("batch", "CronJob"): batch.cron_job,
    ("networking.k8s.io", "Ingress"): networking.ingress,
    ("networking.k8s.io", "IngressClass"): networking.ingress_class,
    ("networking.k8s.io", "NetworkPolicy"): networking.network_policy,
    ("rbac.authorization.k8s.io", "Role"): rbac.role,
    ("rbac.authorization.k8s.io", "ClusterRole"): rbac.cluster_role,
    ("rbac.authorization.k8s.io", "RoleBinding"): rbac.role_binding,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): rbac.cluster_role_binding,
    ("autoscaling", "HorizontalPodAutoscaler"): scaling.autoscaler,
    ("policy", "PodDisruptionBudget"): scaling.disruption_budget,
    ("storage.k8s.io", "StorageClass"): storage.storage_class,
    ("", "LimitRange"): quotas.limit_range,
    ("", "ResourceQuota"): quotas.resource_quota,
    ("scheduling.k8s.io", "PriorityClass"): scaling.priority_class,
    ("coordination.k8s.io", "Lease"): scaling.lease,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): webhooks.webhooks,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): webhooks.webhooks,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): validate_crd,
}
_UPDATE: dict[Kind, Callable[[Json, Json], list[Cause]]] = {
    ("", "ConfigMap"): configs.config_map_update,
    ("", "Secret"): configs.secret_update,
    ("", "Service"): services.service_update,
    ("", "Pod"): pods.pod_update,
    ("", "PersistentVolumeClaim"): storage.claim_update,
    ("", "PersistentVolume"): storage.volume_update,
    ("", "ResourceQuota"): quotas.resource_quota_update,
    ("apps", "Deployment"): workloads.selector_update,
    ("apps", "ReplicaSet"): workloads.selector_update,
    ("apps", "DaemonSet"): workloads.selector_update,
    ("apps", "StatefulSet"): workloads.stateful_set_update,
    ("batch", "Job"): batch.job_update,
    ("networking.k8s.io", "IngressClass"): networking.ingress_class_update,
    ("rbac.authorization.k8s.io", "RoleBinding"): rbac.binding_update,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): rbac.binding_update,
    ("scheduling.k8s.io", "PriorityClass"): scaling.priority_class_update,
    ("storage.k8s.io", "StorageClass"): storage.storage_class_update,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): validate_crd_update,
}
_CORE_EVENT = ("", "Event")
# Kinds whose metadata is validated by the generic code alone.
_PLAIN_FINALIZERS = {"apiextensions.k8s.io", "rbac.authorization.k8s.io"}
# Updates whose new object is valid in the ways that matter once the update rules hold.
_UPDATE_ONLY: set[Kind] = {("", "Pod"), ("batch", "Job")}


def _kind(obj: Json) -> Kind:
    return str(obj.get("apiVersion", "")).rpartition("/")[0], obj.get("kind", "")


def validate_create(obj: Json) -> list[Cause]:
    """The causes for which a new object of a built-in kind is refused, in the server's order."""
    kind = _kind(obj)
    if kind == _CORE_EVENT:
        return events.core_event(obj)
    causes = check_meta(obj["metadata"], name_check(*kind), finalizer_index=kind[0] not in _PLAIN_FINALIZERS)
    check = _CREATE.get(kind)
    return causes + check(obj) if check is not None else causes


def validate_update(new: Json, old: Json, subresource: str = "") -> list[Cause]:
    """The causes for which an update of a built-in kind is refused.

    What may not change in metadata is found twice, by the generic code and by the kind's: so does the
    genuine
    server, and tells it twice.
    """
    kind = _kind(new)
    twice = check_meta_update(new["metadata"], old["metadata"])
    causes = twice + twice
    if kind == _CORE_EVENT:
        return twice + events.core_event(new)
    plain = kind[0] in _PLAIN_FINALIZERS
    causes += check_meta(new["metadata"], name_check(*kind), finalizer_index=not plain)
    if subresource == "status":
        return causes + services.service_status(new, old) if kind == ("", "Service") else causes
    if subresource:
        return causes
    update, create = _UPDATE.get(kind), _CREATE.get(kind)
    own = update(new, old) if update is not None else []
    if create is None or kind in _UPDATE_ONLY:
        return causes + own
    return causes + (own + create(new) if kind[1] in _UPDATE_FIRST else create(new) + own)


# Kinds whose update rules are told before those of the new object.
_UPDATE_FIRST = {"Service", "ConfigMap", "Secret"}


def validate_custom_meta(obj: Json, old: Json | None = None) -> list[Cause]:
    """The metadata of a custom resource; `old` on updates."""
    causes: list[Cause] = []
    if old is not None:
        twice = check_meta_update(obj["metadata"], old["metadata"])
        causes = twice + twice
    return causes + check_meta(obj["metadata"], name_check("*", "*"), finalizer_index=False)
