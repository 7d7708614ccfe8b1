"""What an object is called: group, version, kind, name and namespace, and how they compare."""

from functools import lru_cache
from typing import NamedTuple

# What stands for the namespace of an object that cannot have one.
NOT_NAMESPACED = "_non_namespaceable_"
DEFAULT_NAMESPACE = "default"


class Gvk(NamedTuple):
    """Group, version and kind. In a selector an empty part stands for any."""

    group: str = ""
    version: str = ""
    kind: str = ""

    def selects(self, other: "Gvk") -> bool:
        """Whether `other` has every part that this one names."""
        return (
            (not self.group or self.group == other.group)
            and (not self.version or self.version == other.version)
            and (not self.kind or self.kind == other.kind)
        )

    def __str__(self) -> str:
        return f"{self.kind or '[noKind]'}.{self.version or '[noVer]'}.{self.group or '[noGrp]'}"


ANY = Gvk()


class ResId(NamedTuple):
    """A name that an object has or had. `namespace` is the effective one, never empty."""

    gvk: Gvk
    name: str
    namespace: str

    def __str__(self) -> str:
        place = "" if self.namespace == NOT_NAMESPACED else f"{self.namespace}/"
        return f"{self.gvk.kind} {place}{self.name}"


@lru_cache(maxsize=1024)
def parse_api_version(api_version: str) -> tuple[str, str]:
    """(group, version)."""
    group, slash, version = api_version.partition("/")
    return (group, version) if slash else ("", api_version)


def is_cluster_scoped(api_version: str, kind: str) -> bool:
    """Whether kustomize knows the kind to live outside of namespaces; an unknown kind does not."""
    return kind in _CLUSTER_SCOPED.get(api_version, ())


def effective_namespace(api_version: str, kind: str, namespace: str) -> str:
    """The namespace by which two objects are compared."""
    if is_cluster_scoped(api_version, kind):
        return NOT_NAMESPACED
    return namespace or DEFAULT_NAMESPACE


# kustomize 5.7 takes these from the OpenAPI document of Kubernetes 1.21; a kind that came later
# is namespaced to it, and so it is here.
_ADMISSION = frozenset({"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"})
_RBAC = frozenset({"ClusterRole", "ClusterRoleBinding"})
_FLOW = frozenset({"FlowSchema", "PriorityLevelConfiguration"})
_CLUSTER_SCOPED: dict[str, frozenset[str]] = {
    "v1": frozenset({"ComponentStatus", "Namespace", "Node", "PersistentVolume"}),
    "admissionregistration.k8s.io/v1": _ADMISSION,
    "admissionregistration.k8s.io/v1beta1": _ADMISSION,
    "apiextensions.k8s.io/v1": frozenset({"CustomResourceDefinition"}),
    "apiextensions.k8s.io/v1beta1": frozenset({"CustomResourceDefinition"}),
    "apiregistration.k8s.io/v1": frozenset({"APIService"}),
    "apiregistration.k8s.io/v1beta1": frozenset({"APIService"}),
    "certificates.k8s.io/v1": frozenset({"CertificateSigningRequest"}),
    "certificates.k8s.io/v1beta1": frozenset({"CertificateSigningRequest"}),
    "flowcontrol.apiserver.k8s.io/v1beta1": _FLOW,
    "networking.k8s.io/v1": frozenset({"IngressClass"}),
    "networking.k8s.io/v1beta1": frozenset({"IngressClass"}),
    "node.k8s.io/v1": frozenset({"RuntimeClass"}),
    "node.k8s.io/v1alpha1": frozenset({"RuntimeClass"}),
    "node.k8s.io/v1beta1": frozenset({"RuntimeClass"}),
    "policy/v1beta1": frozenset({"PodSecurityPolicy"}),
    "rbac.authorization.k8s.io/v1": _RBAC,
    "rbac.authorization.k8s.io/v1alpha1": _RBAC,
    "rbac.authorization.k8s.io/v1beta1": _RBAC,
    "scheduling.k8s.io/v1": frozenset({"PriorityClass"}),
    "scheduling.k8s.io/v1alpha1": frozenset({"PriorityClass"}),
    "scheduling.k8s.io/v1beta1": frozenset({"PriorityClass"}),
    "storage.k8s.io/v1": frozenset({"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"}),
    "storage.k8s.io/v1beta1": frozenset({"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"}),
}
