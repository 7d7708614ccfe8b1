"""From a chart and values to objects: definitions, render, post-render (specs/helm.md 13, 14).

Nothing is recorded yet. The definitions in `crds/` are the only thing that is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from controllers.helm.actions.crds import apply_crds
from controllers.helm.actions.errors import ObjectsFailed
from controllers.helm.actions.objects import ManifestUnusable, Placed, objects_of, owned, place
from controllers.helm.actions.post_render import post_rendered
from controllers.helm.actions.requests import Content, Wait
from controllers.helm.actions.toolbox import Tools
from controllers.helm.release.record import Hook
from shared.charts.engine import RenderRequest
from shared.charts.rendered import Rendered
from shared.kube.errors import KubeError


@dataclass(frozen=True, slots=True)
class Revision:
    """What depends on the release's history."""

    number: int
    is_upgrade: bool
    values: dict[str, Any] | None = None
    """Instead of the request's own."""


async def rendered(tools: Tools, content: Content, revision: Revision, wait: Wait) -> Rendered:
    """Raises ChartError, DefinitionsFailed and PostRenderFailed."""
    request = replace(content.render, revision=revision.number, is_upgrade=revision.is_upgrade)
    if revision.values is not None:
        request = replace(request, values=revision.values)
    tools.on_stage("rendering the chart")
    result = await tools.engine.render(request)
    served = await apply_crds(tools, result.crds, content.crds, content.post_render.origin, wait)
    if served - request.capabilities.api_versions:
        result = await tools.engine.render(_aware_of(request, served))
    return await post_rendered(result, content.post_render)


def _aware_of(request: RenderRequest, served: frozenset[str]) -> RenderRequest:
    """Templates may ask whether the kinds of their own `crds/` are there: by now they are."""
    capabilities = request.capabilities
    versions = capabilities.api_versions | served
    return replace(request, capabilities=replace(capabilities, api_versions=versions))


def recorded_hooks(result: Rendered) -> tuple[Hook, ...]:
    """The hooks as a new record holds them: they have not run."""
    return tuple(
        Hook(
            name=hook.name,
            kind=hook.kind,
            path=hook.path,
            manifest=hook.manifest,
            events=hook.events,
            weight=hook.weight,
            delete_policies=hook.delete_policies,
            output_log_policies=hook.output_log_policies,
        )
        for hook in result.hooks
    )


async def targets(tools: Tools, manifest: str, namespace: str, which: str) -> list[Placed]:
    """The objects of a new manifest, marked as the release's own. Raises ObjectsFailed.

    `which` names the manifest in the message.
    """
    try:
        objects = [owned(obj, tools.storage.name, namespace) for obj in await objects_of(manifest)]
        return await place(tools, objects, namespace)
    except (ManifestUnusable, ObjectsFailed, KubeError) as error:
        raise ObjectsFailed(f"unable to build kubernetes objects from {which}: {error}") from error
