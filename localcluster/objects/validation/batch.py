"""Jobs and cron jobs."""

from __future__ import annotations

from typing import Any

from localcluster.objects.causes import Cause, invalid, required, unsupported
from localcluster.objects.forms import not_negative
from localcluster.objects.typed import same
from localcluster.objects.validation import schedules, selectors
from localcluster.objects.validation.pods import template

Json = dict[str, Any]

_CONCURRENCY = ("Allow", "Forbid", "Replace")
_NUMBERS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")


def job(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes = [] if spec.get("selector") else [required("spec.selector")]
    causes += _job_spec(spec, "spec")
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    if spec.get("selector") and not selectors.matches(spec["selector"], labels):
        detail = "`selector` does not match template `labels`"
        causes.append(invalid("spec.template.metadata.labels", labels, detail))
    return causes


def _job_spec(spec: Json, field: str) -> list[Cause]:
    causes: list[Cause] = []
    for name in _NUMBERS:
        causes += not_negative(spec.get(name), f"{field}.{name}")
    mode = spec.get("completionMode")
    if mode is not None and mode not in {"Indexed", "NonIndexed"}:
        causes.append(unsupported(f"{field}.completionMode", mode, ("Indexed", "NonIndexed")))
    if mode == "Indexed" and spec.get("completions") is None:
        detail = "when completion mode is Indexed"
        causes.append(required(f"{field}.completions", detail))
    causes += [
        cause
        for cause in template(spec["template"], f"{field}.template")
        if cause.field != f"{field}.template.spec.restartPolicy"
    ]
    policy = spec["template"]["spec"].get("restartPolicy", "")
    where = f"{field}.template.spec.restartPolicy"
    if policy in {"", "Always"}:
        causes.append(required(where, 'valid values: "OnFailure", "Never"'))
    elif policy not in {"OnFailure", "Never"}:
        causes.append(unsupported(where, policy, ("OnFailure", "Never")))
    return causes


def job_update(new: Json, old: Json) -> list[Cause]:
    spec, before = new["spec"], old["spec"]
    causes: list[Cause] = []
    indexed = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")
    for name in (
        "completions",
        "selector",
        "template",
        "completionMode",
        "podFailurePolicy",
        "backoffLimitPerIndex",
    ):
        if same(spec.get(name), before.get(name)) or (name == "completions" and indexed):
            continue
        if name == "template":
            if not before.get("suspend") or not same(_fixed(spec[name]), _fixed(before[name])):
                causes.append(invalid("spec.template", spec[name], "field is immutable"))
        else:
            causes.append(invalid(f"spec.{name}", spec.get(name), "field is immutable"))
    return [_template_spec(cause, spec, before) for cause in causes]


def _fixed(value: Json) -> Json:
    """A template without what may change while the job has not started."""
    pod = {
        name: below
        for name, below in value["spec"].items()
        if name not in {"nodeSelector", "tolerations", "affinity", "schedulingGates"}
    }
    meta = {k: v for k, v in (value.get("metadata") or {}).items() if k not in {"labels", "annotations"}}
    return {"metadata": meta, "spec": pod}


def _template_spec(cause: Cause, spec: Json, before: Json) -> Cause:
    if cause.field != "spec.template" or same(spec["template"]["spec"], before["template"]["spec"]):
        return cause
    return invalid("spec.template.spec", spec["template"]["spec"], "field is immutable")


def cron_job(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes: list[Cause] = []
    schedule = spec.get("schedule", "")
    if not schedule:
        causes.append(required("spec.schedule"))
    else:
        wrong = schedules.error_of(schedule)
        causes += [invalid("spec.schedule", schedule, wrong)] if wrong else []
        if "TZ" in schedule:
            detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            causes.append(invalid("spec.schedule", schedule, detail))
    causes += not_negative(spec.get("startingDeadlineSeconds"), "spec.startingDeadlineSeconds")
    causes += _time_zone(spec.get("timeZone"))
    policy = spec.get("concurrencyPolicy", "")
    if policy not in _CONCURRENCY:
        field = "spec.concurrencyPolicy"
        causes.append(unsupported(field, policy, _CONCURRENCY) if policy else required(field))
    causes += _job_spec(spec["jobTemplate"]["spec"], "spec.jobTemplate.spec")
    for name in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        causes += not_negative(spec.get(name), f"spec.{name}")
    if len(obj["metadata"].get("name", "")) > 52:
        detail = "must be no more than 52 characters"
        causes.insert(0, invalid("metadata.name", obj["metadata"]["name"], detail))
    return causes


def _time_zone(zone: str | None) -> list[Cause]:
    if zone is None:
        return []
    if not zone:
        return [invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string")]
    if zone.lower() == "local":
        return [
            invalid(
                "spec.timeZone",
                zone,
                "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
            )
        ]
    return []
