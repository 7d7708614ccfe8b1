"""dependsOn: what must be ready before a Kustomization is applied (specs/kustomize.md 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from controllers.kustomize.failures import InvalidExpression
from controllers.kustomize.stages import revision_metadata
from shared.kube.cache import Change
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.logic import cel
from shared.logic.health_exprs import ReadyExpression
from shared.model.applying import Dependency
from shared.model.artifact import Artifact
from shared.model.kinds import KUSTOMIZATION
from shared.model.kustomize import Kustomization, SourceRef
from shared.model.meta import READY, Object, ObjectKey
from shared.runtime.failure import Failure, Waiting


class Dependencies:
    """`additive`: a readyExpr adds to the built-in checks instead of replacing them."""

    def __init__(self, client: KubeClient, *, requeue: timedelta, additive: bool) -> None:
        self._client, self._requeue, self._additive = client, requeue, additive

    async def require_ready(self, ks: Kustomization, obj: Object, artifact: Artifact) -> None:
        """Read each dependency from the API server, not from a cache. Raises Waiting, InvalidExpression."""
        for dependency in ks.depends_on:
            try:
                problem = await self._problem(ks, obj, dependency, artifact)
                if problem:
                    raise self._waiting(problem)
            except Failure as failure:
                failure.metadata = revision_metadata(artifact)
                raise

    def _waiting(self, problem: str) -> Waiting:
        seconds = int(self._requeue.total_seconds())
        return Waiting(
            problem,
            retry_in=self._requeue,
            event=f"Dependencies do not meet ready condition, retrying in {seconds}s",
        )

    async def _problem(
        self, ks: Kustomization, obj: Object, dependency: Dependency, artifact: Artifact
    ) -> str:
        try:
            found = await self._client.get(KUSTOMIZATION, dependency.namespace, dependency.name)
        except KubeError as error:
            return f"dependency '{dependency}' not found: {error}"
        if dependency.ready_expr:
            try:
                expression = ReadyExpression.parse(dependency.ready_expr)
            except cel.InvalidExpression as error:
                raise InvalidExpression(
                    f"failed to evaluate dependency {dependency.name}: {error}"
                ) from error
            try:
                met = expression.holds(obj, found)
            except cel.EvaluationFailed as error:
                return f"dependency '{dependency}' is not ready: {error}"
            if not met:
                return f"dependency '{dependency}' is not ready according to readyExpr eval"
            if not self._additive:
                return ""
        return built_in_problem(ks, dependency, found, artifact)


def built_in_problem(
    ks: Kustomization, dependency: Dependency, found: Mapping[str, Any], artifact: Artifact
) -> str:
    """Why the dependency does not count as ready; nothing when it does."""
    status, meta = found.get("status") or {}, found["metadata"]
    conditions = {item["type"]: item["status"] for item in status.get("conditions") or ()}
    if meta.get("generation") != status.get("observedGeneration") or conditions.get(READY) != "True":
        return f"dependency '{dependency}' is not ready"
    # The schema asks for no spec: whoever is without one has no source either.
    ref = (found.get("spec") or {}).get("sourceRef")
    source = SourceRef.parse(ref, meta["namespace"]) if ref else None
    same_source = source is not None and (source.kind, source.key) == (ks.source.kind, ks.source.key)
    if same_source and status.get("lastAppliedRevision") != artifact.revision:
        return f"dependency '{dependency}' revision is not up to date"
    return ""


class Dependants:
    """Who depends on whom, kept up to date by the changes of the Kustomizations themselves."""

    def __init__(self) -> None:
        self._targets: dict[ObjectKey, frozenset[ObjectKey]] = {}
        self._dependants: dict[ObjectKey, set[ObjectKey]] = {}

    def woken(self, change: Change) -> list[ObjectKey]:
        """Whom to wake because this Kustomization became ready or applied another revision."""
        self._note(change)
        if change.after is None or _progress(change.after) == _progress(change.before):
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


def _progress(obj: Object | None) -> tuple[object, ...]:
    status = (obj or {}).get("status") or {}
    conditions = {item["type"]: item["status"] for item in status.get("conditions") or ()}
    return conditions.get(READY), status.get("lastAppliedRevision"), status.get("observedGeneration")
