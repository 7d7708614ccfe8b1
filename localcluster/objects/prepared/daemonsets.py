"""The template generation of daemon sets: a field of old that lives on as an annotation."""

from __future__ import annotations

from typing import Any

from localcluster.objects.typed import same

Json = dict[str, Any]
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def prepare_create(obj: Json) -> None:
    _set(obj, 1)


def prepare_update(new: Json, old: Json) -> None:
    before = (old["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION, "0")
    generation = int(before) if before.isdigit() else 0
    _set(new, generation + (not same(new["spec"].get("template"), old["spec"].get("template"))))


def _set(obj: Json, generation: int) -> None:
    meta = obj["metadata"]
    meta["annotations"] = {**(meta.get("annotations") or {}), TEMPLATE_GENERATION: str(generation)}
