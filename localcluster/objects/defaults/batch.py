"""Defaults of jobs and cron jobs. The spec of a cron job's jobs is defaulted when the job is made."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_BATCH = "io.k8s.api.batch.v1."
_MAX_INT32 = 2**31 - 1


def _job(value: Json) -> None:
    spec = value["spec"]
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6 if spec.get("backoffLimitPerIndex") is None else _MAX_INT32)
    labels = (spec["template"].get("metadata") or {}).get("labels")
    if labels and not value["metadata"].get("labels"):
        value["metadata"]["labels"] = dict(labels)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    failed_only = spec.get("podFailurePolicy") is not None
    spec.setdefault("podReplacementPolicy", "Failed" if failed_only else "TerminatingOrFailed")
    spec.setdefault("manualSelector", False)


def _cron_job(value: Json) -> None:
    spec = value["spec"]
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)


def _failure_condition(value: Json) -> None:
    value.setdefault("status", "True")


RULES = {
    _BATCH + "Job": _job,
    _BATCH + "CronJob": _cron_job,
    _BATCH + "PodFailurePolicyOnPodConditionsPattern": _failure_condition,
}
