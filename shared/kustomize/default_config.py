"""kustomize's built-in transformer configuration, as a table of kinds and paths."""

from functools import cache

from shared.kustomize.config import NameReference, TransformerConfig
from shared.kustomize.fieldspec import FieldSpec
from shared.kustomize.resid import Gvk

_POD_TEMPLATE = "spec/template/spec/"
_CRON_TEMPLATE = "spec/jobTemplate/spec/template/spec/"
# (group, version, kind) of a workload -> where its pod spec is.
_WORKLOADS: dict[str, tuple[Gvk, str]] = {
    "Pod": (Gvk("", "v1", "Pod"), "spec/"),
    "PodTemplate": (Gvk(kind="PodTemplate"), "template/spec/"),
    "Deployment": (Gvk(kind="Deployment"), _POD_TEMPLATE),
    "ReplicaSet": (Gvk(kind="ReplicaSet"), _POD_TEMPLATE),
    "DaemonSet": (Gvk(kind="DaemonSet"), _POD_TEMPLATE),
    "StatefulSet": (Gvk(kind="StatefulSet"), _POD_TEMPLATE),
    "Job": (Gvk(kind="Job"), _POD_TEMPLATE),
    "CronJob": (Gvk(kind="CronJob"), _CRON_TEMPLATE),
}
# The workloads whose service accounts, claims and priority classes are followed.
_OWNERS = (
    (Gvk(kind="Pod"), "spec/"),
    (Gvk(kind="StatefulSet"), _POD_TEMPLATE),
    (Gvk(kind="Deployment"), _POD_TEMPLATE),
    (Gvk(kind="ReplicationController"), _POD_TEMPLATE),
    (Gvk(kind="CronJob"), _CRON_TEMPLATE),
    (Gvk(kind="Job"), _POD_TEMPLATE),
    (Gvk(kind="DaemonSet"), _POD_TEMPLATE),
)
_AUTOSCALED = ("Deployment", "ReplicationController", "ReplicaSet", "StatefulSet")
_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"


def _specs(kind: str, *paths: str, group: str = "", create: bool = False) -> list[FieldSpec]:
    return [FieldSpec(path, Gvk(group, "", kind), create) for path in paths]


def _in_workloads(*paths: str) -> list[FieldSpec]:
    return [FieldSpec(prefix + path, gvk) for gvk, prefix in _WORKLOADS.values() for path in paths]


def _in_owners(path: str) -> list[FieldSpec]:
    return [FieldSpec(prefix + path, gvk) for gvk, prefix in _OWNERS]


def _config_map_referrers() -> list[FieldSpec]:
    return [
        *_in_workloads(
            "volumes/configMap/name",
            "containers/env/valueFrom/configMapKeyRef/name",
            "initContainers/env/valueFrom/configMapKeyRef/name",
            "containers/envFrom/configMapRef/name",
            "initContainers/envFrom/configMapRef/name",
            "volumes/projected/sources/configMap/name",
        ),
        *_specs("Node", "spec/configSource/configMap"),
        *_specs("Role", "rules/resourceNames"),
        *_specs("ClusterRole", "rules/resourceNames"),
        *_specs("Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap"),
    ]


def _secret_referrers() -> list[FieldSpec]:
    annotations = "metadata/annotations/"
    return [
        *_in_workloads(
            "volumes/secret/secretName",
            "containers/env/valueFrom/secretKeyRef/name",
            "initContainers/env/valueFrom/secretKeyRef/name",
            "containers/envFrom/secretRef/name",
            "initContainers/envFrom/secretRef/name",
            "imagePullSecrets/name",
            "volumes/projected/sources/secret/name",
        ),
        *_specs(
            "Ingress",
            "spec/tls/secretName",
            annotations + "ingress.kubernetes.io\\/auth-secret",
            annotations + "nginx.ingress.kubernetes.io\\/auth-secret",
            annotations + "nginx.ingress.kubernetes.io\\/auth-tls-secret",
        ),
        *_specs("ServiceAccount", "imagePullSecrets/name"),
        *_specs(
            "StorageClass",
            "parameters/secretName",
            "parameters/adminSecretName",
            "parameters/userSecretName",
            "parameters/secretRef",
        ),
        *_specs("Role", "rules/resourceNames"),
        *_specs("ClusterRole", "rules/resourceNames"),
        FieldSpec(
            _POD_TEMPLATE + "containers/env/valueFrom/secretKeyRef/name",
            Gvk("serving.knative.dev", "v1", "Service"),
        ),
        *_specs("PersistentVolume", "spec/azureFile/secretName"),
    ]


def _service_referrers() -> list[FieldSpec]:
    return [
        *_specs("StatefulSet", "spec/serviceName", group="apps"),
        *_specs(
            "Ingress",
            "spec/rules/http/paths/backend/serviceName",
            "spec/backend/serviceName",
            "spec/rules/http/paths/backend/service/name",
            "spec/defaultBackend/service/name",
        ),
        *_specs("APIService", "spec/service/name", group="apiregistration.k8s.io"),
        *_specs("ValidatingWebhookConfiguration", "webhooks/clientConfig/service", group=_ADMISSION),
        *_specs("MutatingWebhookConfiguration", "webhooks/clientConfig/service", group=_ADMISSION),
    ]


def _name_references() -> tuple[NameReference, ...]:
    scaled = tuple(_specs("HorizontalPodAutoscaler", "spec/scaleTargetRef/name"))
    table: list[tuple[Gvk, list[FieldSpec]]] = [
        (Gvk("", "v1", "ConfigMap"), _config_map_referrers()),
        (Gvk("", "v1", "Secret"), _secret_referrers()),
        (Gvk("", "v1", "Service"), _service_referrers()),
        (Gvk(_RBAC, "", "Role"), _specs("RoleBinding", "roleRef/name", group=_RBAC)),
        (
            Gvk(_RBAC, "", "ClusterRole"),
            [
                *_specs("RoleBinding", "roleRef/name", group=_RBAC),
                *_specs("ClusterRoleBinding", "roleRef/name", group=_RBAC),
            ],
        ),
        (
            Gvk("", "v1", "ServiceAccount"),
            [
                *_specs("RoleBinding", "subjects", group=_RBAC),
                *_specs("ClusterRoleBinding", "subjects", group=_RBAC),
                *_in_owners("serviceAccountName"),
            ],
        ),
        (Gvk("", "v1", "PersistentVolumeClaim"), _in_owners("volumes/persistentVolumeClaim/claimName")),
        (
            Gvk("", "v1", "PersistentVolume"),
            [
                *_specs("PersistentVolumeClaim", "spec/volumeName"),
                *_specs("ClusterRole", "rules/resourceNames"),
            ],
        ),
        (
            Gvk("storage.k8s.io", "v1", "StorageClass"),
            [
                *_specs("PersistentVolume", "spec/storageClassName"),
                *_specs("PersistentVolumeClaim", "spec/storageClassName"),
                *_specs("StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
            ],
        ),
        (Gvk("scheduling.k8s.io", "v1", "PriorityClass"), _in_owners("priorityClassName")),
        (Gvk("networking.k8s.io/v1", "v1", "IngressClass"), _specs("Ingress", "spec/ingressClassName")),
        (
            Gvk(_ADMISSION, "", "ValidatingAdmissionPolicy"),
            _specs("ValidatingAdmissionPolicyBinding", "spec/policyName", group=_ADMISSION),
        ),
    ]
    autoscaled = [NameReference(Gvk(kind=kind), scaled) for kind in _AUTOSCALED]
    return (*autoscaled, *(NameReference(target, tuple(referrers)) for target, referrers in table))


def _template_labels() -> list[FieldSpec]:
    path = "spec/template/metadata/labels"
    return [
        FieldSpec("metadata/labels", create=True),
        FieldSpec(path, Gvk("", "v1", "ReplicationController"), create=True),
        *_specs("Deployment", path, create=True),
        *_specs("ReplicaSet", path, create=True),
        *_specs("DaemonSet", path, create=True),
        *_specs("StatefulSet", path, group="apps", create=True),
        *_specs("Job", path, group="batch", create=True),
        *_specs(
            "CronJob",
            "spec/jobTemplate/metadata/labels",
            "spec/jobTemplate/spec/template/metadata/labels",
            group="batch",
            create=True,
        ),
        *_specs("StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels", group="apps", create=True),
    ]


def _affinities(kind: str) -> list[FieldSpec]:
    paths = [
        f"{_POD_TEMPLATE}affinity/{affinity}/{rest}labelSelector/matchLabels"
        for affinity in ("podAffinity", "podAntiAffinity")
        for rest in (
            "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/",
            "requiredDuringSchedulingIgnoredDuringExecution/",
        )
    ]
    spread = f"{_POD_TEMPLATE}topologySpreadConstraints/labelSelector/matchLabels"
    return _specs(kind, *paths, spread, group="apps")


def _common_labels() -> list[FieldSpec]:
    selector = "spec/selector/matchLabels"
    return [
        FieldSpec("spec/selector", Gvk("", "v1", "Service"), create=True),
        FieldSpec("spec/selector", Gvk("", "v1", "ReplicationController"), create=True),
        *_specs("Deployment", selector, create=True),
        *_affinities("Deployment"),
        *_specs("ReplicaSet", selector, create=True),
        *_specs("DaemonSet", selector, create=True),
        *_specs("StatefulSet", selector, group="apps", create=True),
        *_affinities("StatefulSet"),
        *_specs("Job", selector, group="batch"),
        *_specs("CronJob", "spec/jobTemplate/spec/selector/matchLabels", group="batch"),
        *_specs("PodDisruptionBudget", selector, group="policy"),
        *_specs(
            "NetworkPolicy",
            "spec/podSelector/matchLabels",
            "spec/ingress/from/podSelector/matchLabels",
            "spec/egress/to/podSelector/matchLabels",
            group="networking.k8s.io",
        ),
        *_template_labels(),
    ]


def _common_annotations() -> list[FieldSpec]:
    path = "spec/template/metadata/annotations"
    workloads = ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet")
    return [
        FieldSpec("metadata/annotations", create=True),
        FieldSpec(path, Gvk("", "v1", "ReplicationController"), create=True),
        *(spec for kind in workloads for spec in _specs(kind, path, create=True)),
        *_specs("Job", path, group="batch", create=True),
        *_specs(
            "CronJob",
            "spec/jobTemplate/metadata/annotations",
            "spec/jobTemplate/spec/template/metadata/annotations",
            group="batch",
            create=True,
        ),
    ]


def _var_references() -> list[FieldSpec]:
    in_pods = [
        f"{containers}/{field}"
        for containers in ("containers", "initContainers")
        for field in ("args", "command", "env/value", "volumeMounts/mountPath")
    ]
    workloads = [(kind, prefix) for kind, (_, prefix) in _WORKLOADS.items() if kind != "PodTemplate"]
    specs = [spec for kind, prefix in workloads for path in in_pods for spec in _specs(kind, prefix + path)]
    servers = [spec for kind, prefix in workloads if kind not in ("CronJob", "StatefulSet")
               for spec in _specs(kind, f"{prefix}volumes/nfs/server")]  # fmt: skip
    return [
        *specs,
        *servers,
        *_specs("CronJob", "spec/jobTemplate/spec/template/volumes/nfs/server"),
        *_specs("Deployment", "spec/template/metadata/annotations"),
        *_specs("Ingress", "spec/rules/host", "spec/tls/hosts", "spec/tls/secretName"),
        *_specs("Service", "spec/ports/port", "spec/ports/targetPort"),
        *_specs("StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server"),
        *_specs("PersistentVolume", "spec/nfs/server"),
        FieldSpec("metadata/labels"),
        FieldSpec("metadata/annotations"),
    ]


def _images() -> list[FieldSpec]:
    places = ("containers[]/image", "initContainers[]/image", "volumes[]/image/reference")
    return [FieldSpec(prefix + place, create=True) for prefix in ("spec/", _POD_TEMPLATE) for place in places]


@cache
def default_config() -> TransformerConfig:
    """The configuration that every kustomization begins with; one value for the whole process."""
    scaled = ("Deployment", "ReplicationController", "ReplicaSet", "StatefulSet")
    service = "spec/conversion/webhook/clientConfig/service/namespace"
    return TransformerConfig(
        name_prefix=(FieldSpec("metadata/name"),),
        name_suffix=(FieldSpec("metadata/name"),),
        namespace=(
            *_specs("Namespace", "metadata/name", create=True),
            *_specs("APIService", "spec/service/namespace", group="apiregistration.k8s.io", create=True),
            *_specs("CustomResourceDefinition", service, group="apiextensions.k8s.io"),
        ),
        common_labels=tuple(_common_labels()),
        template_labels=tuple(_template_labels()),
        common_annotations=tuple(_common_annotations()),
        name_reference=_name_references(),
        var_reference=tuple(_var_references()),
        images=tuple(_images()),
        replicas=tuple(spec for kind in scaled for spec in _specs(kind, "spec/replicas", create=True)),
    )
