"""May a release take an object that is there already? (specs/helm.md 1.4 disableTakeOwnership, 20.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controllers.helm.actions.errors import ObjectsFailed
from controllers.helm.actions.objects import MANAGED_BY, MANAGER, RELEASE_NAME, RELEASE_NAMESPACE, Placed
from controllers.helm.actions.toolbox import Tools
from shared.kube.errors import KubeError
from shared.kube.parallel import each
from shared.logic.owner import metadata_map


async def require_ours(tools: Tools, objects: Sequence[Placed], release: str, namespace: str) -> None:
    """Raises ObjectsFailed that names every object which is there and is not the release's."""

    async def look(item: Placed) -> str | None:
        try:
            live = await tools.client.find(item.resource, item.key.namespace, item.key.name)
        except KubeError as error:
            return f"could not get information about the resource {_shown(item)}: {error}"
        problems = ownership_problems(live, release, namespace) if live is not None else []
        if not problems:
            return None
        return (
            f"{_shown(item)} exists and cannot be imported into the current release: "
            f"invalid ownership metadata; {'; '.join(problems)}"
        )

    found = [problem for problem in await each(objects, look, at_once=tools.concurrency) if problem]
    if found:
        raise ObjectsFailed.of(found)


def ownership_problems(live: Mapping[str, Any], release: str, namespace: str) -> list[str]:
    """What is wrong with the words by which Helm knows its own; empty for an object of the release."""
    labels, annotations = metadata_map(live, "labels"), metadata_map(live, "annotations")
    checks = (
        _problem("label", labels, MANAGED_BY, MANAGER),
        _problem("annotation", annotations, RELEASE_NAME, release),
        _problem("annotation", annotations, RELEASE_NAMESPACE, namespace),
    )
    return [problem for problem in checks if problem]


def _problem(what: str, words: Mapping[str, str], key: str, wanted: str) -> str:
    found = words.get(key)
    if found == wanted:
        return ""
    if found is None:
        return f'{what} validation error: missing key "{key}": must be set to "{wanted}"'
    return f'{what} validation error: key "{key}" must equal "{wanted}": current value is "{found}"'


def _shown(item: Placed) -> str:
    return f'{item.kind} "{item.ref.name}" in namespace "{item.ref.namespace}"'
