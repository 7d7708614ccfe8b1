"""Bring the manifests to a cluster, definitions first, by the applier of kustomize-controller."""

from __future__ import annotations

from collections.abc import Sequence

from cli.printing import show
from cli.problems import CliError
from cli.session import Session
from shared.kube.apply import Applier, ApplyOptions
from shared.kube.apply_errors import ApplyFailed
from shared.kube.discovery import Discovery
from shared.kube.memory import Memory
from shared.kube.tracker import Tracker
from shared.logic.changes import ChangeSet
from shared.model.kinds import Resource
from shared.model.meta import Object, ObjectKey

FIELD_MANAGER = "flux"
"""The name of Flux' own `install`: what one of the two has set, the other may take away again."""
CRD = Resource(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
_MARKER = "gitrepositories.source.toolkit.fluxcd.io"
_BOOTSTRAPPED_BY = "kustomize.toolkit.fluxcd.io/name"
_VERSION = "app.kubernetes.io/version"
_MANAGED_BY = "app.kubernetes.io/managed-by"


async def labels_of_installation(session: Session) -> dict[str, str]:
    """What the first of the definitions says about who installed it; empty without one."""
    found = await session.client.find(CRD, "", _MARKER)
    return {} if found is None else dict(found["metadata"].get("labels") or {})


def bootstrapped_version(labels: dict[str, str]) -> str | None:
    """The version of an installation that a repository keeps up to date; None for any other."""
    return labels.get(_VERSION, "of an unknown version") if labels.get(_BOOTSTRAPPED_BY) else None


def foreign_manager(labels: dict[str, str]) -> str:
    """The tool that manages the installation, empty unless that is another one."""
    manager = labels.get(_MANAGED_BY, "")
    return "" if manager in ("flux", "headwater") else manager


async def apply(session: Session, objects: Sequence[Object]) -> ChangeSet:
    """Apply and print a line for each object. A second time changes nothing. Raises CliError."""
    applier = Applier(
        session.client, Discovery(session.client), Tracker(session.client), field_manager=FIELD_MANAGER
    )
    owner = ObjectKey(session.namespace, "installation")
    try:
        changes = await applier.apply(objects, ApplyOptions(), Memory(owner))
    except ApplyFailed as error:
        raise CliError(f"install failed: {error.render()}") from error
    show(changes.render())
    return changes
