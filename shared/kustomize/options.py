"""What a build may do, and how much of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from shared.kustomize.remote import Remotes
from shared.logic.go_yaml import Limits as YamlLimits


class LoadRestrictions(Enum):
    """Where files may lie: below the kustomization that names them, or anywhere in the tree."""

    ROOT_ONLY = "LoadRestrictionsRootOnly"
    NONE = "LoadRestrictionsNone"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one build. `depth` counts kustomizations inside each other."""

    files: int = 20_000
    file_bytes: int = 32 * 2**20
    total_bytes: int = 512 * 2**20
    depth: int = 64
    objects: int = 200_000
    patch_operations: int = 10_000
    yaml: YamlLimits = field(default_factory=YamlLimits)


@dataclass(frozen=True, slots=True)
class Options:
    """`deadline` is called between steps and raises to end a build.

    Without `remotes`, remote resources are refused.
    """

    load_restrictions: LoadRestrictions = LoadRestrictions.ROOT_ONLY
    limits: Limits = field(default_factory=Limits)
    remotes: Remotes | None = None
    deadline: Callable[[], None] | None = None
