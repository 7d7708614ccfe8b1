"""Events: the old API asks for little; the new one for time, controller, instance, action and reason."""

from __future__ import annotations

from typing import Any

from localcluster.objects import forms
from localcluster.objects.causes import Cause, invalid, required
from localcluster.objects.forms import each

Json = dict[str, Any]

_LIMITS = {"reportingInstance": 128, "action": 128, "reason": 128, "message": 1024}


def core_event(obj: Json) -> list[Cause]:
    """An event of v1; its metadata is not looked at."""
    return _common(obj, obj.get("involvedObject") or {}, "reportingComponent", "message")


def event(obj: Json) -> list[Cause]:
    """An event of events.k8s.io/v1, metadata apart."""
    causes = _common(obj, obj.get("regarding") or {}, "reportingController", "note")
    if not obj.get("eventTime"):
        causes.append(required("eventTime"))
    kind = obj.get("type", "")
    if kind not in {"Normal", "Warning"}:
        causes.append(invalid("type", "", f"has invalid value: {kind}"))
    unset = {
        "firstTimestamp": "deprecatedFirstTimestamp",
        "lastTimestamp": "deprecatedLastTimestamp",
        "count": "deprecatedCount",
        "source": "deprecatedSource",
    }
    return causes + [
        invalid(name, "", "needs to be unset") for name, field in unset.items() if obj.get(field)
    ]


def _common(obj: Json, about: Json, controller: str, text: str) -> list[Cause]:
    namespace, own = about.get("namespace", ""), obj["metadata"].get("namespace", "")
    mismatch = [invalid("involvedObject.namespace", namespace, "does not match event.namespace")]
    if not obj.get("eventTime"):
        fits = own in {"", "default"} if not namespace else own == namespace
        return [] if fits else mismatch
    causes = mismatch if not namespace and own not in {"default", "kube-system"} else []
    who = obj.get(controller, "")
    if not who:
        causes.append(required(controller))
    causes += each(controller, who, forms.qualified_name(who))
    for name in ("reportingInstance", "action", "reason"):
        value = obj.get(name, "")
        if not value:
            causes.append(required(name))
        causes += _length(name, value)
    return causes + _length("message", obj.get(text, ""))


def _length(name: str, value: str) -> list[Cause]:
    limit = _LIMITS[name]
    return [invalid(name, "", f"can have at most {limit} characters")] if len(value) > limit else []
