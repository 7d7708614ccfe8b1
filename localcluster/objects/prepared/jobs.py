"""The selector and labels by which a job finds its pods, made from its uid unless it brings its own."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_UID, _NAME = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
_OLD_UID, _OLD_NAME = "controller-uid", "job-name"


def prepare_create(obj: Json) -> None:
    spec, meta = obj["spec"], obj["metadata"]
    if spec.get("manualSelector"):
        return
    template = spec["template"].setdefault("metadata", {})
    uid, name = meta.get("uid", ""), meta.get("name", "")
    # The labels of a job that has none were taken from its template, whose labels these are.
    for labels in _label_maps(meta, template):
        for key, value in ((_UID, uid), (_NAME, name), (_OLD_UID, uid), (_OLD_NAME, name)):
            labels[key] = value
    selector = spec.get("selector")
    if not isinstance(selector, dict):
        spec["selector"] = selector = {}
    selector.setdefault("matchLabels", {})
    selector["matchLabels"].setdefault(_UID, uid)


def _label_maps(meta: Json, template: Json) -> list[Json]:
    shared = not meta.get("labels") or meta["labels"] == template.get("labels")
    template["labels"] = dict(template.get("labels") or {})
    if not shared:
        return [template["labels"]]
    meta["labels"] = dict(meta.get("labels") or {})
    return [template["labels"], meta["labels"]]
