"""The HelmChart that a HelmRelease with a chart template owns (specs/helm.md 6).

It lives beside its source, so no owner reference holds it: what is no longer needed is deleted here.
"""

from __future__ import annotations

from typing import Any

from shared.kube.client import KubeClient
from shared.kube.errors import KubeError, NotFound
from shared.logic.drift import has_drifted
from shared.model.duration import render_duration
from shared.model.event import EventType
from shared.model.helm import FIELD_MANAGER, OWNER_NAME, OWNER_NAMESPACE, HelmRelease
from shared.model.kinds import HELM_CHART
from shared.model.meta import Object, ObjectKey
from shared.runtime.failure import Failure
from shared.runtime.report import Report


class Templates:
    """`client` is the controller's own identity."""

    def __init__(self, client: KubeClient, *, no_cross_namespace_refs: bool) -> None:
        self._client = client
        self._no_cross_namespace_refs = no_cross_namespace_refs

    async def reconcile(self, hr: HelmRelease, report: Report) -> bool:
        """Make the HelmChart as the template says, or delete it; True when something was written.

        Raises Failure.
        """
        old, wanted = report.status.get("helmChart") or "", hr.chart_key
        if old and (wanted is None or old != str(wanted)):
            await self.delete(hr, report)
        if wanted is None:
            return False
        if self._no_cross_namespace_refs and wanted.namespace != hr.namespace:
            raise Failure(
                f"cross-namespace references are not allowed: cannot access HelmChart {wanted}",
                reason="AccessDenied",
                quiet=True,
            )
        report.status["helmChart"] = str(wanted)
        return await self._apply(hr, report, wanted)

    async def delete(self, hr: HelmRelease, report: Report) -> None:
        """Delete the HelmChart that the status names, if it is this release's own. Raises Failure."""
        namespace, _, name = str(report.status.get("helmChart") or "").partition("/")
        if not name:
            return
        try:
            found = await self._client.find(HELM_CHART, namespace, name)
            if found is not None and is_owned(found, hr.key):
                await self._client.delete(HELM_CHART, namespace, name, uid=found["metadata"]["uid"])
                self._tell(report, "HelmChartDeleted", f"Deleted HelmChart/{namespace}/{name}")
        except NotFound:
            pass
        except KubeError as error:
            raise self._failed(report, f"failed to delete HelmChart '{namespace}/{name}': {error}") from error
        report.status.pop("helmChart", None)

    async def _apply(self, hr: HelmRelease, report: Report, key: ObjectKey) -> bool:
        wanted = desired(hr, key)
        assert hr.chart is not None
        try:
            live = await self._client.find(HELM_CHART, key.namespace, key.name)
            if live is not None and not report.is_new_generation and not _differs(live, wanted):
                return False
            written = await self._client.apply(HELM_CHART, wanted, field_manager=FIELD_MANAGER)
        except KubeError as error:
            raise self._failed(report, f"failed to apply HelmChart '{key}': {error}") from error
        if live is not None and not has_drifted(live, written):
            return False
        done, reason = (
            ("Created", "HelmChartCreated") if live is None else ("Configured", "HelmChartConfigured")
        )
        self._tell(report, reason, f"{done} HelmChart/{key} with SourceRef '{hr.chart.source}'")
        return True

    def _failed(self, report: Report, message: str) -> Failure:
        self._tell(report, "HelmChartSyncErr", message)
        return Failure(message, quiet=True)

    @staticmethod
    def _tell(report: Report, reason: str, message: str) -> None:
        report.tell(EventType.TRACE, reason, message)


def desired(hr: HelmRelease, key: ObjectKey) -> Object:
    """The HelmChart as it should be."""
    template = hr.chart
    assert template is not None
    interval = template.interval or render_duration(hr.interval)
    spec: dict[str, Any] = {
        "chart": template.chart,
        "version": template.version,
        "sourceRef": {"kind": template.source.kind, "name": template.source.name},
        "interval": interval,
        "reconcileStrategy": template.reconcile_strategy,
    }
    if template.values_files:
        spec["valuesFiles"] = list(template.values_files)
    if template.ignore_missing_values_files:
        spec["ignoreMissingValuesFiles"] = True
    if template.verify is not None:
        spec["verify"] = {"provider": template.verify.provider}
        if template.verify.secret:
            spec["verify"]["secretRef"] = {"name": template.verify.secret}
    metadata: dict[str, Any] = {
        "name": key.name,
        "namespace": key.namespace,
        "labels": {**template.labels, OWNER_NAME: hr.name, OWNER_NAMESPACE: hr.namespace},
    }
    if template.annotations:
        metadata["annotations"] = dict(template.annotations)
    return {
        "apiVersion": HELM_CHART.api_version,
        "kind": HELM_CHART.kind,
        "metadata": metadata,
        "spec": spec,
    }


def is_owned(chart: Object, release: ObjectKey) -> bool:
    labels = chart["metadata"].get("labels") or {}
    return (labels.get(OWNER_NAMESPACE), labels.get(OWNER_NAME)) == (release.namespace, release.name)


def _differs(live: Object, wanted: Object) -> bool:
    """Could an apply change anything? Fields that only the live object has may be its defaults."""
    metadata, asked = live["metadata"], wanted["metadata"]
    words = any(
        not (asked.get(field) or {}).items() <= (metadata.get(field) or {}).items()
        for field in ("labels", "annotations")
    )
    spec = live.get("spec") or {}
    ours = {key: value for key, value in spec.items() if key != "suspend"}
    return words or ours != wanted["spec"]
