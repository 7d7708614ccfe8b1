"""Writes the table of protobuf field numbers: run by hand when the Kubernetes version moves.

    python -m localcluster.objects.protobuf.generate GO_MODULES

GO_MODULES is a Go module cache that holds k8s.io/api, k8s.io/apimachinery and
k8s.io/apiextensions-apiserver of one version (`go mod download`). Field numbers are in the `protobuf` tags
of the struct types, beside the JSON names.

`localcluster/objects/data/protobuf.json.gz`:
`{"kinds": {"apps/v1/Deployment": MESSAGE, "*/DeleteOptions": MESSAGE},
  "messages": {MESSAGE: {NUMBER: [JSON NAME, TYPE, OMITTED WHEN ZERO]}}}`, where TYPE is `string`, `int`,
`bool`, `double`, `bytes`, `@MESSAGE`, one of the names in `_SPECIAL`, or, after `*` and `%`, a list or a
map with string keys of such. Only stable versions are in it.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
_STABLE = re.compile(r"v\d+\Z")
_STRUCT = re.compile(r"^type (\w+) struct \{$")
_EMPTY = re.compile(r"^type (\w+) struct ?\{\}$")
_NAMED = re.compile(r"^type (\w+) ([\w.\[\]*]+)$")
_FIELD = re.compile(r"^\t(?:(\w+)\s+)?(\*?[\w.\[\]*]+)\s+`([^`]*)`")
_NUMBER = re.compile(r'protobuf:"\w+,(\d+),')
_JSON_NAME = re.compile(r'json:"([^",]*)([^"]*)"')
_IMPORT = re.compile(r'^\t(?:(\w+) )?"([^"]+)"$')
_GROUP = re.compile(r'GroupName\s*=\s*"([^"]*)"')

_META = "k8s.io/apimachinery/pkg/apis/meta/v1"
_EXTENSIONS = "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
_SPECIAL = {
    f"{_META}.Time": "time",
    f"{_META}.MicroTime": "micro",
    f"{_META}.Duration": "duration",
    f"{_META}.FieldsV1": "json",
    "k8s.io/apimachinery/pkg/util/intstr.IntOrString": "intstr",
    "k8s.io/apimachinery/pkg/api/resource.Quantity": "quantity",
    "k8s.io/apimachinery/pkg/runtime.RawExtension": "json",
    "k8s.io/apimachinery/pkg/types.UID": "string",
    "k8s.io/apimachinery/pkg/types.NodeName": "string",
    f"{_EXTENSIONS}.JSON": "json",
    f"{_EXTENSIONS}.JSONSchemaPropsOrBool": "orbool",
    f"{_EXTENSIONS}.JSONSchemaPropsOrArray": "orarray",
    f"{_EXTENSIONS}.JSONSchemaPropsOrStringArray": "orstrings",
}
_SCALARS = {
    "string": "string",
    "bool": "bool",
    "float64": "double",
    **dict.fromkeys(("int", "int32", "int64", "uint32", "uint64"), "int"),
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Package:
    """One Go package: its import path, what names in it stand for, and its structs' tagged fields."""

    path: str
    group: str
    imports: dict[str, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    structs: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def short(self) -> str:
        """`apps/v1`: what messages of this package are called by in the table."""
        return "/".join(self.path.split("/")[-2:])


def _read(folder: Path, path: str) -> _Package:
    files = [file for file in sorted(folder.glob("*.go")) if not file.name.endswith(("_test.go", ".pb.go"))]
    texts = [file.read_text("utf-8") for file in files if not file.name.startswith("zz_")]
    group = next((found[1] for text in texts if (found := _GROUP.search(text))), "")
    package = _Package(path, group)
    for text in texts:
        _read_file(text.splitlines(), package)
    return package


def _read_file(lines: list[str], package: _Package) -> None:
    struct: list[tuple[str, str]] | None = None
    for line in lines:
        if found := _IMPORT.match(line):
            package.imports[found[1] or found[2].rsplit("/", 1)[-1]] = found[2]
        elif found := _STRUCT.match(line):
            struct = package.structs.setdefault(found[1], [])
        elif found := _EMPTY.match(line):
            package.structs[found[1]] = []
        elif found := _NAMED.match(line):
            package.named[found[1]] = found[2]
        elif line == "}":
            struct = None
        elif struct is not None and (found := _FIELD.match(line)):
            struct.append((found[2], found[3]))


def _type_of(go_type: str, package: _Package, packages: dict[str, _Package]) -> str:
    go_type = go_type.removeprefix("*")
    if go_type == "[]byte":
        return "bytes"
    if go_type.startswith("[]"):
        return "*" + _type_of(go_type[2:], package, packages)
    if go_type.startswith("map["):
        return "%" + _type_of(go_type.partition("]")[2], package, packages)
    if go_type in _SCALARS:
        return _SCALARS[go_type]
    alias, dot, name = go_type.rpartition(".")
    path = package.imports[alias] if dot else package.path
    if f"{path}.{name}" in _SPECIAL:
        return _SPECIAL[f"{path}.{name}"]
    home = packages[path]
    if name in home.structs:
        return f"@{home.short}.{name}"
    under = home.named[name]
    # A named slice is a message of its own, with its items as the only field.
    return "items" if under.startswith("[]") else _type_of(under, home, packages)


def _message(struct: list[tuple[str, str]], package: _Package, packages: dict[str, _Package]) -> Json:
    found: Json = {}
    for go_type, tag in struct:
        number, name = _NUMBER.search(tag), _JSON_NAME.search(tag)
        if number is None or name is None:
            continue
        omitted = "omit" in name[2] and not go_type.startswith("*")
        found[number[1]] = [name[1], _type_of(go_type, package, packages), int(omitted)]
    return found


def _packages(modules: Path) -> dict[str, _Package]:
    api = next(modules.glob("k8s.io/api@*"))
    found = {f"k8s.io/api/{f.parent.name}/{f.name}": f for f in api.glob("*/v*") if _STABLE.match(f.name)}
    found[_META] = next(modules.glob("k8s.io/apimachinery@*")) / "pkg/apis/meta/v1"
    extensions = next(modules.glob("k8s.io/apiextensions-apiserver@*"))
    found[_EXTENSIONS] = extensions / "pkg/apis/apiextensions/v1"
    return {path: _read(folder, path) for path, folder in found.items()}


def _kind_key(package: _Package, name: str) -> str:
    if package.path == _META:
        return f"*/{name}"
    version = package.path.rsplit("/", 1)[-1]
    return f"{package.group}/{version}/{name}" if package.group else f"{version}/{name}"


def make_table(modules: Path) -> Json:
    packages = _packages(modules)
    table: Json = {"kinds": {}, "messages": {}}
    for package in packages.values():
        for name, struct in package.structs.items():
            message = _message(struct, package, packages)
            if message:
                table["messages"][f"{package.short}.{name}"] = message
            if any(go_type.endswith("TypeMeta") for go_type, _ in struct):
                table["kinds"][_kind_key(package, name)] = f"{package.short}.{name}"
    return table


def main() -> int:
    table = make_table(Path(sys.argv[1]))
    text = json.dumps(table, sort_keys=True, separators=(",", ":")).encode()
    (_HERE.parent / "data" / "protobuf.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
