"""The order in which a build's objects are written."""

from collections.abc import Sequence

from shared.kustomize.errors import KustomizationInvalid
from shared.kustomize.model import LegacySortOptions, SortOptions
from shared.kustomize.resource import Resource

_FIRST = (
    "Namespace", "ResourceQuota", "StorageClass", "CustomResourceDefinition", "ServiceAccount",
    "PodSecurityPolicy", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ConfigMap",
    "Secret", "Endpoints", "Service", "LimitRange", "PriorityClass", "PersistentVolume",
    "PersistentVolumeClaim", "Deployment", "StatefulSet", "CronJob", "PodDisruptionBudget",
)  # fmt: skip
_LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_DEFAULT = LegacySortOptions(list(_FIRST), list(_LAST))


def in_order(resources: Sequence[Resource], options: SortOptions | None) -> list[Resource]:
    """The objects as `sortOptions` asks; without it, by the legacy order. Raises KustomizationInvalid."""
    if options is None:
        return _legacy(resources, _DEFAULT)
    if options.order not in ("fifo", "legacy"):
        raise KustomizationInvalid("the field 'sortOptions.order' must be one of [fifo, legacy]")
    if options.order == "fifo":
        if options.legacy is not None:
            raise KustomizationInvalid(
                "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', "
                "not 'legacy'"
            )
        return list(resources)
    return _legacy(resources, options.legacy or _DEFAULT)


def _legacy(resources: Sequence[Resource], options: LegacySortOptions) -> list[Resource]:
    ranks = {kind: index - len(options.order_first) for index, kind in enumerate(options.order_first)}
    ranks |= {kind: index + 1 for index, kind in enumerate(options.order_last)}

    def key(resource: Resource) -> tuple[int, str, str]:
        group, version, kind = resource.gvk
        if kind == "Namespace" and not group:
            group = " "  # the core Namespace comes before those of other groups
        gvk = f"{group or '~G'}_{version or '~V'}_{kind or '~K'}"
        return ranks.get(kind, 0), gvk, f"{resource.namespace or '~X'}|{resource.name or '~N'}"

    return sorted(resources, key=key)
