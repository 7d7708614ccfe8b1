"""What an action is asked to do: the options of specs/helm.md 11.1 as frozen values.

Names and defaults are Flux's, but for double negations: `disableWait` is `wait.ready=False`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from shared.charts.engine import RenderRequest
from shared.kube.health import StatusReader


class CrdPolicy(StrEnum):
    SKIP = "Skip"
    CREATE = "Create"
    CREATE_REPLACE = "CreateReplace"


class ServerSide(StrEnum):
    """Server-side apply: `auto` does as the release did before."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    AUTO = "auto"


class PostRenderStrategy(StrEnum):
    COMBINED = "combined"
    SEPARATE = "separate"
    NO_HOOKS = "nohooks"


class Propagation(StrEnum):
    """What happens to what deleted objects own."""

    BACKGROUND = "background"
    FOREGROUND = "foreground"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Wait:
    """How long each wait of an action may take, and what it waits for (specs/helm.md 12).

    `ready` false: only hooks are awaited. `jobs` false: a Job needs no more than to have started.
    `reader` judges kinds by spec.healthCheckExprs. Setting `cancel` ends waits for objects (not for
    hooks or deletions): the action ends as Interrupted.
    """

    timeout: timedelta
    ready: bool = True
    jobs: bool = True
    reader: StatusReader | None = None
    cancel: asyncio.Event | None = None


@dataclass(frozen=True, slots=True)
class PostRender:
    """What is done to the rendered objects before they are stored and applied (specs/helm.md 14).

    `kustomizations` are `postRenderers[].kustomize` as given (`patches`, `images`); `labels` and
    `annotations` are commonMetadata; `origin` the labels that name the HelmRelease, set last.
    """

    kustomizations: tuple[Mapping[str, Any], ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
    strategy: PostRenderStrategy = PostRenderStrategy.COMBINED


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be in the cluster. The action sets the revision and `is_upgrade` of `render`."""

    render: RenderRequest
    post_render: PostRender
    crds: CrdPolicy = CrdPolicy.CREATE


@dataclass(frozen=True, slots=True)
class Install:
    content: Content
    wait: Wait
    take_ownership: bool = True
    server_side: bool = True
    hooks: bool = True
    replace: bool = False
    create_namespace: bool = False
    validate: bool = True


@dataclass(frozen=True, slots=True)
class Upgrade:
    """`max_history` is how many revisions are kept, 0 for all; `force` replaces (client-side only)."""

    content: Content
    wait: Wait
    take_ownership: bool = True
    server_side: ServerSide = ServerSide.AUTO
    hooks: bool = True
    force: bool = False
    preserve_values: bool = False
    cleanup_on_fail: bool = False
    max_history: int = 5
    validate: bool = True


@dataclass(frozen=True, slots=True)
class Rollback:
    """`to` is the revision that is brought back."""

    to: int
    wait: Wait
    server_side: ServerSide = ServerSide.AUTO
    hooks: bool = True
    force: bool = False
    cleanup_on_fail: bool = False
    max_history: int = 5


@dataclass(frozen=True, slots=True)
class Uninstall:
    wait: Wait
    hooks: bool = True
    keep_history: bool = False
    propagation: Propagation = Propagation.BACKGROUND


@dataclass(frozen=True, slots=True)
class TestFilter:
    """A test hook by name: only those included run; an exclusion wins."""

    __test__ = False

    name: str
    exclude: bool = False


@dataclass(frozen=True, slots=True)
class RunTests:
    wait: Wait
    filters: tuple[TestFilter, ...] = ()
