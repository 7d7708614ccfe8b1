"""dependsOn: which HelmReleases must be ready before this one is released (specs/helm.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from controllers.helm.failures import InvalidExpression
from shared.kube.cache import Change
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.logic import cel
from shared.logic.health_exprs import ReadyExpression
from shared.model.applying import Dependency
from shared.model.helm import HelmRelease
from shared.model.kinds import HELM_RELEASE
from shared.model.meta import READY, Object, ObjectKey
from shared.runtime.failure import Waiting


class Dependencies:
    """`additive`: a readyExpr adds to the built-in check instead of replacing it."""

    def __init__(self, client: KubeClient, *, requeue: timedelta, additive: bool) -> None:
        self._client, self._requeue, self._additive = client, requeue, additive

    async def require_ready(self, hr: HelmRelease, obj: Object) -> None:
        """Read each dependency from the API server, not from a cache. Raises Waiting, InvalidExpression."""
        for dependency in hr.depends_on:
            problem = await self._problem(obj, dependency)
            if problem:
                raise Waiting(problem, retry_in=self._requeue)

    async def _problem(self, obj: Object, dependency: Dependency) -> str:
        try:
            found = await self._client.get(HELM_RELEASE, dependency.namespace, dependency.name)
        except KubeError as error:
            return f"unable to get '{dependency}' dependency: {error}"
        if dependency.ready_expr:
            problem = _by_expression(obj, dependency, found)
            if problem or not self._additive:
                return problem
        return "" if is_ready(found) else f"dependency '{dependency}' is not ready"


def _by_expression(obj: Object, dependency: Dependency, found: Object) -> str:
    try:
        met = ReadyExpression.parse(dependency.ready_expr).holds(obj, found)
    except cel.InvalidExpression as error:
        raise InvalidExpression(f"failed to evaluate dependency {dependency.name}: {error}") from error
    except cel.EvaluationFailed as error:
        return f"dependency '{dependency}' is not ready: {error}"
    return "" if met else f"dependency '{dependency}' is not ready according to readyExpr eval"


def is_ready(release: Mapping[str, Any]) -> bool:
    status, meta = release.get("status") or {}, release["metadata"]
    conditions = {item["type"]: item["status"] for item in status.get("conditions") or ()}
    return meta.get("generation") == status.get("observedGeneration") and conditions.get(READY) == "True"


class Dependants:
    """Who depends on whom, kept up to date by the changes of the HelmReleases themselves."""

    def __init__(self) -> None:
        self._targets: dict[ObjectKey, frozenset[ObjectKey]] = {}
        self._dependants: dict[ObjectKey, set[ObjectKey]] = {}

    def woken(self, change: Change) -> list[ObjectKey]:
        """Whom to wake because this HelmRelease became ready."""
        self._note(change)
        if change.after is None or not is_ready(change.after):
            return []
        if change.before is not None and is_ready(change.before):
            return []
        return sorted(self._dependants.get(change.key, ()))

    def _note(self, change: Change) -> None:
        before, after = self._targets.get(change.key, frozenset()), _targets(change.after)
        if before == after:
            return
        for target in before - after:
            self._dependants[target].discard(change.key)
            if not self._dependants[target]:
                del self._dependants[target]
        for target in after - before:
            self._dependants.setdefault(target, set()).add(change.key)
        if after:
            self._targets[change.key] = after
        else:
            self._targets.pop(change.key, None)


def _targets(obj: Object | None) -> frozenset[ObjectKey]:
    if obj is None:
        return frozenset()
    own = obj["metadata"]["namespace"]
    return frozenset(
        ObjectKey(item.get("namespace") or own, item.get("name") or "")
        for item in (obj.get("spec") or {}).get("dependsOn") or ()
    )
