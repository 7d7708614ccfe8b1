"""Objects through kustomize: patches and images of a post-renderer (specs/helm.md 14). Pure; takes CPU.

Imported where it is used: most releases have no post-renderers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from shared.kustomize.build import build
from shared.kustomize.errors import BuildError, LimitExceeded
from shared.kustomize.filesystem import MemoryTree
from shared.kustomize.options import Options
from shared.logic.go_yaml_write import write
from shared.model.meta import Object

_INPUT = "helm-output.yaml"
_BUILD_SECONDS = 60.0


class KustomizeFailed(Exception):
    """The words of kustomize."""


def kustomized(objects: Sequence[Object], kustomization: Mapping[str, Any]) -> list[Object]:
    """The objects as `patches` and `images` of a kustomization make them. Raises KustomizeFailed."""
    wanted = {key: kustomization[key] for key in ("patches", "images") if kustomization.get(key)}
    tree = MemoryTree(
        {
            f"/{_INPUT}": "---\n".join(write(obj) for obj in objects),
            "/kustomization.yaml": write({"resources": [_INPUT], **wanted}),
        }
    )
    try:
        built = build(tree, options=Options(deadline=_deadline()))
    except BuildError as error:
        raise KustomizeFailed(str(error)) from error
    return [item.object for item in built.objects]


def _deadline() -> Callable[[], None]:
    def check(end: float) -> None:
        if time.monotonic() > end:
            raise LimitExceeded(f"the post-renderer takes longer than {_BUILD_SECONDS:.0f} seconds")

    return partial(check, time.monotonic() + _BUILD_SECONDS)
