"""What the published schemas leave out: how a field of a Go type is written when it is empty.

Read from the `types.go` files of the Go modules `k8s.io/api`, `k8s.io/apimachinery`,
`k8s.io/apiextensions-apiserver` and `k8s.io/kube-aggregator`. A built-in object is decoded into such a type
and encoded again, so that an empty string of one field disappears while that of another stays; the
difference
is seen in stored objects and in who owns what. Used by `generate.py` alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_STRUCT = re.compile(r"^type (\w+) struct \{$")
_NAMED = re.compile(r"^type (\w+) ([\w.\[\]*]+)$")
_FIELD = re.compile(r"^\t(?:(\w+)\s+)?(\*?[\w.\[\]*]+)\s+`([^`]*)`")
_TAG = re.compile(r'json:"([^"]*)"')
_DEFAULT = re.compile(r"^\t//\s*\+default=(.+)$")

# Slices, maps and interfaces vanish when empty; these named types are one of those underneath.
_SCALARS = frozenset({"string", "bool", "int", "int32", "int64", "float64", "byte", "uint8", "uint64"})
# Names of core's string types end so; all its other types that are used by value are structs.
_CORE_ENUMERATIONS = (
    "Type",
    "Mode",
    "Policy",
    "Status",
    "Reason",
    "Protocol",
    "Name",
    "Phase",
    "Operator",
    "Affinity",
)


@dataclass(frozen=True, slots=True)
class GoField:
    """One field: its JSON name ("" where it is inlined), Go type, and the options of its tag."""

    name: str
    go_type: str
    omit_empty: bool
    omit_zero: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class GoPackage:
    """The struct types and the named types of one package directory."""

    structs: dict[str, list[GoField]]
    named: dict[str, str]


def read_package(folder: Path) -> GoPackage:
    """Reads every non-generated Go file of a folder that declares types."""
    package = GoPackage({}, {})
    for file in sorted(folder.glob("*.go")):
        if not file.name.startswith("zz_") and not file.name.endswith(("_test.go", ".pb.go")):
            _read_lines(file.read_text("utf-8").splitlines(), package)
    return package


def _read_lines(lines: Iterable[str], package: GoPackage) -> None:
    fields: list[GoField] | None = None
    default: str | None = None
    for line in lines:
        if (started := _STRUCT.match(line)) is not None:
            fields = package.structs.setdefault(started[1], [])
        elif (named := _NAMED.match(line)) is not None:
            package.named[named[1]] = named[2]
        elif line == "}":
            fields = None
        elif fields is not None and (marker := _DEFAULT.match(line)) is not None:
            default = marker[1]
        elif fields is not None and (found := _FIELD.match(line)) is not None:
            if (field := _field(found, default)) is not None:
                fields.append(field)
            default = None


def _field(found: re.Match[str], default: str | None) -> GoField | None:
    tag = _TAG.search(found[3])
    if tag is None:
        return None
    name, *options = tag[1].split(",")
    if name == "-":
        return None
    return GoField(name, found[2], "omitempty" in options, "omitzero" in options, default)


def emission(field: GoField, package: GoPackage) -> str:
    """How the encoder treats the field: `set` (a pointer: left out when nil, an empty value stays),
    `nonzero` (left out when zero or empty), `always` (the zero value is written), or `null` (a pointer
    that is written as null).
    """
    if field.omit_zero:
        return "set" if field.go_type.startswith("*") else "nonzero"
    if not field.omit_empty:
        return "null" if field.go_type.startswith("*") else "always"
    if field.go_type.startswith("*"):
        return "set"
    if field.go_type.startswith(("[]", "map[")) or _underlying(field.go_type, package) in _SCALARS:
        return "nonzero"
    under = _underlying(field.go_type, package)
    return "nonzero" if under.startswith(("[]", "map[")) else "always"


def _underlying(go_type: str, package: GoPackage) -> str:
    """Follows named types of the same package and the few of others that fields use by value."""
    known = {
        "metav1.StatusReason": "string",
        "metav1.LabelSelectorOperator": "string",
        "metav1.ConditionStatus": "string",
        "metav1.DeletionPropagation": "string",
        "types.UID": "string",
        "types.NodeName": "string",
        "v1.ResourceList": "map[string]string",
        "corev1.ResourceList": "map[string]string",
    }
    if go_type in known:
        return known[go_type]
    if "." in go_type:
        # A type of another package by value: enumerations of core are strings, the rest are structs.
        package_name, _, name = go_type.partition(".")
        enums = (
            "Type",
            "Mode",
            "Policy",
            "Status",
            "Reason",
            "Protocol",
            "Name",
            "Phase",
            "Operator",
            "Affinity",
        )
        return "string" if package_name in {"v1", "corev1", "core"} and name.endswith(enums) else go_type
    seen: set[str] = set()
    while go_type in package.named and go_type not in seen:
        seen.add(go_type)
        go_type = package.named[go_type]
    return go_type
