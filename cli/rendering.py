"""Objects as JSON, YAML or names, the way kubectl prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.model.meta import Object, ObjectRef

FORMATS = ("table", "json", "yaml", "name")


def render(form: str, value: Any) -> str:
    """One value as `json` or `yaml`."""
    if form == "json":
        import orjson

        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    from shared.logic.go_yaml_write import write

    return write(value)


def render_objects(form: str, objects: Sequence[Object], *, single: bool) -> str:
    """A `List`, or the object alone where one was asked for by name; managedFields are left out."""
    if form == "name":
        return "".join(f"{_name(obj)}\n" for obj in objects)
    shown = [_without_managers(obj) for obj in objects]
    if single and len(shown) == 1:
        return render(form, shown[0])
    return render(form, {"apiVersion": "v1", "kind": "List", "items": shown})


def _name(obj: Object) -> str:
    ref = ObjectRef.of(obj)
    return f"{str(ref.group_kind).lower()}/{ref.name}"


def _without_managers(obj: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}
