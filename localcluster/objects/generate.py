"""Writes the table of built-in kinds: run by hand when the Kubernetes version moves.

    python -m localcluster.objects.generate DEFINITIONS GO_MODULES

DEFINITIONS is `v<version>-local/_definitions.json` of the PyPI package `kubernetes-validate` (JSON
schemas made from the published OpenAPI document). GO_MODULES is a Go module cache that holds k8s.io/api,
k8s.io/apimachinery, k8s.io/apiextensions-apiserver and k8s.io/kube-aggregator of the same version
(`go mod download`): from them come the few facts the schemas lack (see `gofacts`).

Three files are written.

`localcluster/objects/data/kinds.json.gz`:
`{"kinds": {"apps/v1/Deployment": NAME}, "definitions": {NAME: D}}`, where NAME is a definition's OpenAPI
name and D its OpenAPI schema without descriptions. References are `{"$ref": NAME}`. A property may
carry `x-emit` (see `gofacts.emission`; absent means `set`) and `default`.

`localcluster/objects/data/texts.json.gz`: `{NAME: [DESCRIPTION, {FIELD: DESCRIPTION}]}`, for
`kubectl explain`.

`shared/kustomize/data/merge_keys.json`: what a strategic merge needs to know, no more:

    {"kinds": {"apps/v1/Deployment": "12", "v1/Pod": "7"},        (core group without a leading slash)
     "types": {"12": {"spec": {"t": "13"}, ...}}}

A type is listed by a number; its fields are listed only if a strategic merge treats them, or something
below
them, in a special way:
    "t"  the type of the field's value, of the items of a list, or of the values of a map
    "c"  "list" or "map" if the field holds a list or a map of "t" (absent: a single object)
    "k"  patch merge key of a list of objects (x-kubernetes-patch-merge-key)
    "s"  list of patch strategies (x-kubernetes-patch-strategy): "merge", "replace", "retainKeys"
A field that is not listed follows the rules of a field without directives: maps merge, lists are replaced.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

from localcluster.objects.gofacts import GoField, GoPackage, emission, read_package

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parent.parent
_REF = "#/$defs/"
_UNSTABLE = re.compile(r"\.v\d+(?:alpha|beta)\d+\.")
# Descriptions are cut after this many characters, at the end of a sentence where there is one.
_TEXT_LIMIT = 400

_MODULES = {
    "io.k8s.api.": "k8s.io/api@*",
    "io.k8s.apimachinery.": "k8s.io/apimachinery@*",
    "io.k8s.apiextensions-apiserver.": "k8s.io/apiextensions-apiserver@*",
    "io.k8s.kube-aggregator.": "k8s.io/kube-aggregator@*",
}

Json = dict[str, Any]


def main(arguments: list[str]) -> int:
    source, modules = Path(arguments[0]), Path(arguments[1])
    published = json.loads(source.read_text("utf-8"))["$defs"]
    definitions = {name: d for name, d in sorted(published.items()) if not _UNSTABLE.search(name)}
    texts = {name: _texts(d) for name, d in definitions.items()}
    table = {name: _compact(d) for name, d in definitions.items()}
    _add_go_facts(table, modules)
    kinds = _kinds(definitions)
    _write(_HERE / "data/kinds.json.gz", {"kinds": kinds, "definitions": table})
    _write(_HERE / "data/texts.json.gz", texts)
    keys = _merge_keys(table, kinds)
    target = _ROOT / "shared/kustomize/data/merge_keys.json"
    target.write_text(json.dumps(keys, separators=(",", ":"), sort_keys=True) + "\n", "utf-8")
    return 0


def _write(target: Path, content: object) -> None:
    text = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    # mtime 0: the same input gives the same bytes.
    target.write_bytes(gzip.compress(text, 9, mtime=0))


def _kinds(definitions: dict[str, Any]) -> dict[str, str]:
    """Maps "group/version/Kind" to a definition, for kinds that are one definition's own."""
    return {
        "/".join(part for part in (gvk["group"], gvk["version"], gvk["kind"]) if part): name
        for name, definition in definitions.items()
        for gvk in definition.get("x-kubernetes-group-version-kind", [])
        if len(definition["x-kubernetes-group-version-kind"]) == 1
    }


def _texts(definition: Json) -> list[Any]:
    fields = {n: _short(p.get("description", "")) for n, p in definition.get("properties", {}).items()}
    return [_short(definition.get("description", "")), {n: t for n, t in fields.items() if t}]


def _short(text: str) -> str:
    if len(text) <= _TEXT_LIMIT:
        return text
    head = text[:_TEXT_LIMIT]
    end = max(head.rfind(". "), head.rfind(".\n"))
    return head[: end + 1] if end > 0 else head.rsplit(" ", 1)[0] + " ..."


def _compact(schema: Json) -> Json:
    """A schema without descriptions, with plain types and short references."""
    found: Json = {}
    for key, value in schema.items():
        match key:
            case "description" | "$schema":
                continue
            case "$ref":
                found["$ref"] = value.removeprefix(_REF)
            case "type":
                found["type"] = _plain_type(value)
            case "properties":
                found["properties"] = {n: _compact(p) for n, p in value.items()}
            case "items" | "additionalProperties" if isinstance(value, dict):
                found[key] = _compact(value)
            case "enum":
                found["enum"] = [v for v in value if v is not None]
            case "oneOf":
                found["oneOf"] = [_compact(one) for one in value]
            case _:
                found[key] = value
    if set(found.get("properties", {})) >= {"apiVersion", "kind"}:
        for name in ("apiVersion", "kind"):
            found["properties"][name].pop("enum", None)
    return found


def _plain_type(value: str | list[str]) -> str:
    return value if isinstance(value, str) else next(one for one in value if one != "null")


def _add_go_facts(table: Json, modules: Path) -> None:
    packages: dict[str, GoPackage] = {}
    for name, definition in table.items():
        package_name, _, type_name = name.rpartition(".")
        if package_name not in packages:
            packages[package_name] = read_package(_folder(package_name, modules))
        properties = definition.get("properties", {})
        for field in _flat_fields(type_name, packages[package_name]):
            if field.name in properties:
                _mark(properties[field.name], field, packages[package_name])


def _folder(package_name: str, modules: Path) -> Path:
    prefix, pattern = next((p, m) for p, m in _MODULES.items() if package_name.startswith(p))
    module = max(modules.glob(pattern))
    return module.joinpath(*package_name.removeprefix(prefix).split("."))


def _flat_fields(type_name: str, package: GoPackage) -> list[GoField]:
    flat: list[GoField] = []
    for field in package.structs.get(type_name, []):
        if field.name:
            flat.append(field)
        else:
            flat += _flat_fields(field.go_type.lstrip("*").rpartition(".")[2], package)
    return flat


def _mark(target: Json, field: GoField, package: GoPackage) -> None:
    if (how := emission(field, package)) != "set":
        target["x-emit"] = how
    if field.default is not None and not field.default.startswith("ref("):
        target["default"] = json.loads(field.default)


def _merge_keys(table: Json, kinds: dict[str, str]) -> Json:
    special: dict[str, Json] = {name: {} for name in table}
    for name, definition in table.items():
        for field, schema in definition.get("properties", {}).items():
            if (entry := _merge_entry(schema)) and entry.keys() & {"t", "s"}:
                special[name][field] = entry
    _drop_plain(special)
    reachable = sorted({n for n in _reach(special, kinds.values()) if special[n]})
    numbers = {name: str(i) for i, name in enumerate(reachable)}
    types = {}
    for name in reachable:
        fields = {f: dict(entry) for f, entry in special[name].items()}
        for entry in fields.values():
            if "t" in entry and (number := numbers.get(entry.pop("t"))) is not None:
                entry["t"] = number
        types[numbers[name]] = fields
    return {"kinds": {gvk: numbers[n] for gvk, n in kinds.items() if n in numbers}, "types": types}


def _merge_entry(schema: Json) -> Json:
    entry: Json = {}
    if "x-kubernetes-patch-merge-key" in schema:
        entry["k"] = schema["x-kubernetes-patch-merge-key"]
    if "x-kubernetes-patch-strategy" in schema:
        entry["s"] = schema["x-kubernetes-patch-strategy"].split(",")
    inner = schema.get("items") or schema.get("additionalProperties") or schema
    if isinstance(inner, dict) and "$ref" in inner:
        entry["t"] = inner["$ref"]
        if inner is not schema:
            entry["c"] = "list" if "items" in schema else "map"
    return entry


def _drop_plain(special: dict[str, Json]) -> None:
    """Removes fields below which nothing is special, until nothing more changes."""
    changed = True
    while changed:
        changed = False
        for fields in special.values():
            for name in [n for n, e in fields.items() if "s" not in e and not special.get(e.get("t", ""))]:
                del fields[name]
                changed = True


def _reach(special: dict[str, Json], start: Any) -> set[str]:
    found: set[str] = set()
    todo = list(start)
    while todo:
        name = todo.pop()
        if name not in found and name in special:
            found.add(name)
            todo += [entry["t"] for entry in special[name].values() if "t" in entry]
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
