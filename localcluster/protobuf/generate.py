"""Writes the table of messages: run by hand when the Kubernetes version moves.

    python -m localcluster.protobuf.generate GO_MODULES

GO_MODULES is a Go module cache that holds k8s.io/api and k8s.io/apimachinery (`go mod download`); their
`generated.proto` files say which field has which number. Written is `data/messages.json.gz`:
`{MESSAGE: {NUMBER: [FIELD, TYPE]}}`, where TYPE is a scalar of protobuf or the name of a message, with
`*` before it where the field is repeated and `%` where it is a map from strings.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path

from localcluster.protobuf.messages import DATA

_PACKAGE = re.compile(r"^package ([\w.]+);", re.MULTILINE)
_MESSAGE = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\s+(optional|repeated) ([\w.]+) (\w+) = (\d+);", re.MULTILINE)
_MAP = re.compile(r"^\s+map<string, ([\w.]+)> (\w+) = (\d+);", re.MULTILINE)
_STABLE = re.compile(r"\.v\d+$|\.(resource|intstr|runtime)$")
_SCALARS = frozenset({"bool", "bytes", "double", "int32", "int64", "string", "uint32", "uint64"})
Table = dict[str, dict[str, list[str]]]


def read_proto(text: str) -> Table:
    """The messages of one file, none for a package that is not stable."""
    package = _PACKAGE.search(text)
    if package is None or not _STABLE.search(package[1]):
        return {}
    found: Table = {}
    for name, body in _MESSAGE.findall(text):
        fields: dict[str, list[str]] = {}
        for label, kind, field, number in _FIELD.findall(body):
            fields[number] = [field, ("*" if label == "repeated" else "") + _full(kind, package[1])]
        for kind, field, number in _MAP.findall(body):
            fields[number] = [field, "%" + _full(kind, package[1])]
        found[f"{package[1]}.{name}"] = fields
    return found


def _full(kind: str, package: str) -> str:
    if kind in _SCALARS:
        return kind
    return kind.removeprefix(".") if "." in kind else f"{package}.{kind}"


def main() -> None:
    modules = Path(sys.argv[1])
    table: Table = {}
    for pattern in ("k8s.io/api@*", "k8s.io/apimachinery@*"):
        for file in sorted(modules.glob(f"{pattern}/**/generated.proto")):
            table.update(read_proto(file.read_text("utf-8")))
    text = json.dumps(table, separators=(",", ":"), sort_keys=True)
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
