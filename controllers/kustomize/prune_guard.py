"""What no build may delete by being empty or broken, unless somebody says yes (docs/kustomization.md).

Off by default, as Flux has nothing like it. Deleting the Kustomization itself is a yes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.logic.owner import metadata_map
from shared.model.meta import GroupKind, Object, ObjectRef

ALLOW_PRUNE = "headwater.dev/allow-prune"

# With these go others' objects, or data.
_PRECIOUS = frozenset(
    {
        GroupKind("", "Namespace"),
        GroupKind("", "PersistentVolumeClaim"),
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"),
    }
)
_TOLD = 10


@dataclass(frozen=True, slots=True)
class PruneGuard:
    """`percent` of an inventory may be pruned at once, and nothing precious; 0 turns the guard off."""

    percent: int = 0

    def objection(self, stale: Sequence[ObjectRef], recorded: int, kustomization: Object) -> str:
        """Why the stale ones of so many recorded objects must stay; empty when they may go."""
        if not self.percent or not stale or _is_allowed(kustomization):
            return ""
        precious = [ref for ref in stale if ref.group_kind in _PRECIOUS]
        if precious:
            return _told(f"would delete {_listed(precious)}")
        if len(stale) * 100 > recorded * self.percent:
            share = f"{len(stale)} of {recorded} objects, more than {self.percent} %"
            return _told(f"would delete {share}: {_listed(stale)}")
        return ""


def _is_allowed(kustomization: Object) -> bool:
    return metadata_map(kustomization, "annotations").get(ALLOW_PRUNE, "").lower() == "true"


def _listed(refs: Sequence[ObjectRef]) -> str:
    rest = len(refs) - _TOLD
    return ", ".join(map(str, refs[:_TOLD])) + (f" and {rest} more" if rest > 0 else "")


def _told(problem: str) -> str:
    return f'pruning is held back: it {problem}; if that is meant, annotate with {ALLOW_PRUNE}: "true"'
