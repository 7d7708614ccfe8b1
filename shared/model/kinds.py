"""How a kind is addressed on the API server."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from shared.model.meta import GroupKind


@dataclass(frozen=True, slots=True)
class Resource:
    """One served resource: what discovery tells about a kind."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of a collection, an object or a subresource; every segment is escaped."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=":"))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


_SOURCE = "source.toolkit.fluxcd.io"
GIT_REPOSITORY = Resource(_SOURCE, "v1", "GitRepository", "gitrepositories")
OCI_REPOSITORY = Resource(_SOURCE, "v1", "OCIRepository", "ocirepositories")
HELM_REPOSITORY = Resource(_SOURCE, "v1", "HelmRepository", "helmrepositories")
HELM_CHART = Resource(_SOURCE, "v1", "HelmChart", "helmcharts")
BUCKET = Resource(_SOURCE, "v1", "Bucket", "buckets")
EXTERNAL_ARTIFACT = Resource(_SOURCE, "v1", "ExternalArtifact", "externalartifacts")
ARTIFACT_GENERATOR = Resource(
    "source.extensions.fluxcd.io", "v1beta1", "ArtifactGenerator", "artifactgenerators"
)
KUSTOMIZATION = Resource("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations")
HELM_RELEASE = Resource("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases")
_IMAGE = "image.toolkit.fluxcd.io"
IMAGE_REPOSITORY = Resource(_IMAGE, "v1", "ImageRepository", "imagerepositories")
IMAGE_POLICY = Resource(_IMAGE, "v1", "ImagePolicy", "imagepolicies")
IMAGE_UPDATE_AUTOMATION = Resource(_IMAGE, "v1", "ImageUpdateAutomation", "imageupdateautomations")
_NOTIFICATION = "notification.toolkit.fluxcd.io"
ALERT = Resource(_NOTIFICATION, "v1beta3", "Alert", "alerts")
PROVIDER = Resource(_NOTIFICATION, "v1beta3", "Provider", "providers")
RECEIVER = Resource(_NOTIFICATION, "v1", "Receiver", "receivers")
SECRET = Resource("", "v1", "Secret", "secrets")
CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps")
SERVICE_ACCOUNT = Resource("", "v1", "ServiceAccount", "serviceaccounts")
EVENT = Resource("", "v1", "Event", "events")
LEASE = Resource("coordination.k8s.io", "v1", "Lease", "leases")
