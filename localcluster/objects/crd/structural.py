"""What a CRD itself must be: names, versions, and schemas that are structural."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localcluster.objects import forms
from localcluster.objects.causes import Cause, duplicate, forbidden, invalid, required, unsupported
from localcluster.objects.crd.jsonpath import BadJsonPath, parse
from localcluster.objects.crd.semantics import check_semantics
from localcluster.objects.forms import each
from localcluster.objects.typed import same

Json = dict[str, Any]

_SCOPES = ("Cluster", "Namespaced")
_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_JUNCTORS = ("allOf", "anyOf", "oneOf")
_NOT_IN_JUNCTORS = (
    "description",
    "type",
    "default",
    "additionalProperties",
    "nullable",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)
_MAX_DEPTH = 64


def validate_crd(crd: Json) -> list[Cause]:
    """The causes for which a CRD is refused, metadata apart."""
    spec = crd["spec"]
    causes = _name(crd, spec)
    causes += _group(spec.get("group", ""))
    scope = spec.get("scope", "")
    if scope not in _SCOPES:
        causes.append(unsupported("spec.scope", scope, _SCOPES) if scope else required("spec.scope"))
    causes += _versions(spec.get("versions") or [])
    causes += _names(spec.get("names") or {})
    causes += _conversion(spec.get("conversion") or {})
    if not (crd.get("status") or {}).get("storedVersions"):
        detail = "must have at least one stored version"
        causes.append(invalid("status.storedVersions", [], detail))
    return causes


def _name(crd: Json, spec: Json) -> list[Cause]:
    wanted = f"{(spec.get('names') or {}).get('plural', '')}.{spec.get('group', '')}"
    name = crd["metadata"].get("name", "")
    if name == wanted:
        return []
    return [invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')]


def _group(group: str) -> list[Cause]:
    if not group:
        return [required("spec.group")]
    causes = each("spec.group", group, forms.dns_subdomain(group))
    if not causes and "." not in group:
        causes.append(invalid("spec.group", group, "should be a domain with at least one dot"))
    return causes


def _versions(versions: list[Json]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for at, version in enumerate(versions):
        field = f"spec.versions[{at}]"
        name = version.get("name", "")
        causes += _version_name(name, field)
        if name in seen:
            causes.append(invalid("spec.versions", name, "must contain unique version names"))
        seen.add(name)
        causes += _version(version, field)
    if sum(bool(version.get("storage")) for version in versions) != 1:
        detail = "must have exactly one version marked as storage version"
        causes.append(invalid("spec.versions", versions, detail))
    return causes


def _version_name(name: str, field: str) -> list[Cause]:
    wrong = forms.dns_label(name)
    return each(f"{field}.name", name, wrong) if name else [required(f"{field}.name")]


def _version(version: Json, field: str) -> list[Cause]:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    causes: list[Cause] = []
    if schema is None:
        causes.append(required(f"{field}.schema.openAPIV3Schema"))
    else:
        where = f"{field}.schema.openAPIV3Schema"
        found = list(_structural(schema, where, 0))
        causes += found or list(check_semantics(schema, where))
        if schema.get("type") != "object":
            where = f"{field}.schema.openAPIV3Schema.type"
            kind = schema.get("type")
            causes.append(
                invalid(where, kind, "must be object at the root")
                if kind
                else required(where, "must not be empty at the root")
            )
    for at, column in enumerate(version.get("additionalPrinterColumns") or ()):
        causes += _column(column, f"{field}.additionalPrinterColumns[{at}]")
    causes += _scale((version.get("subresources") or {}).get("scale"), f"{field}.subresources.scale")
    return causes


def _column(column: Json, field: str) -> list[Cause]:
    causes = [] if column.get("name") else [required(f"{field}.name")]
    kind = column.get("type", "")
    if kind not in _COLUMN_TYPES:
        known = ",".join(sorted(_COLUMN_TYPES))
        causes.append(
            invalid(f"{field}.type", kind, f"must be one of {known}")
            if kind
            else required(f"{field}.type", f"must be one of {known}")
        )
    path = column.get("jsonPath", "")
    if not path:
        return [*causes, required(f"{field}.jsonPath")]
    return causes + _path(path, f"{field}.jsonPath")


def _path(path: str, field: str) -> list[Cause]:
    if not path.startswith("."):
        return [invalid(field, path, "must be a simple json path starting with .")]
    try:
        parse(path)
    except BadJsonPath as error:
        return [invalid(field, path, str(error))]
    return []


def _scale(scale: Json | None, field: str) -> list[Cause]:
    if scale is None:
        return []
    causes: list[Cause] = []
    for name, prefix in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        path = scale.get(name, "")
        if not path:
            causes.append(required(f"{field}.{name}"))
        elif not path.startswith(prefix):
            detail = f"should be a json path under {prefix[:-1]}"
            causes.append(invalid(f"{field}.{name}", path, detail))
    return causes


def _names(names: Json) -> list[Cause]:
    causes: list[Cause] = []
    for name in ("plural", "singular"):
        value = names.get(name, "")
        if not value:
            causes += [required(f"spec.names.{name}")] if name == "plural" else []
        else:
            causes += each(f"spec.names.{name}", value, forms.dns_label(value))
    kind, listed = names.get("kind", ""), names.get("listKind", "")
    for name, value in (("kind", kind), ("listKind", listed)):
        if not value:
            causes.append(required(f"spec.names.{name}"))
        elif forms.dns_label(value.lower()):
            causes += each(f"spec.names.{name}", value, forms.dns_label(value.lower()))
    if kind and kind == listed:
        causes.append(invalid("spec.names.listKind", listed, "kind and listKind may not be the same"))
    for name in ("shortNames", "categories"):
        for at, value in enumerate(names.get(name) or ()):
            causes += each(f"spec.names.{name}[{at}]", value, forms.dns_label(value))
    return causes


def _conversion(conversion: Json) -> list[Cause]:
    strategy = conversion.get("strategy", "None")
    if strategy not in {"None", "Webhook"}:
        return [unsupported("spec.conversion.strategy", strategy, ("None", "Webhook"))]
    if strategy == "Webhook" and not conversion.get("webhook"):
        detail = "required when strategy is set to Webhook, but not allowed otherwise"
        return [required("spec.conversion.webhookClientConfig", detail)]
    return []


def _structural(schema: Json, field: str, depth: int) -> Iterator[Cause]:
    if depth > _MAX_DEPTH:
        yield forbidden(field, f"must not nest deeper than {_MAX_DEPTH} levels")
        return
    kind = schema.get("type")
    free = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-int-or-string")
    if not kind and not free:
        yield required(
            f"{field}.type",
            "must not be empty for specified object fields" if depth else "must not be empty at the root",
        )
    elif kind and kind not in _TYPES:
        yield unsupported(f"{field}.type", kind, _TYPES)
    if schema.get("$ref"):
        yield forbidden(f"{field}.$ref", "$ref is not supported")
    if schema.get("uniqueItems"):
        yield forbidden(
            f"{field}.uniqueItems",
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        )
    if schema.get("additionalProperties") is False:
        yield forbidden(f"{field}.additionalProperties", "additionalProperties cannot be set to false")
    if schema.get("properties") and isinstance(schema.get("additionalProperties"), dict):
        yield forbidden(
            f"{field}.additionalProperties", "additionalProperties and properties are mutual exclusive"
        )
    yield from _list_rules(schema, field)
    yield from _inside_junctors(schema, field)
    for name, below in (schema.get("properties") or {}).items():
        if not (depth == 0 and name == "metadata"):
            yield from _structural(below, f"{field}.properties[{name}]", depth + 1)
        else:
            yield from _metadata(below, f"{field}.properties[metadata]")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _structural(schema[key], f"{field}.{key}", depth + 1)


def _metadata(schema: Json, field: str) -> Iterator[Cause]:
    """Of metadata only the names may be restricted."""
    if schema.get("type") not in {None, "object"}:
        yield invalid(f"{field}.type", schema["type"], "must be object")
    for name in schema.get("properties") or {}:
        if name not in {"name", "generateName"}:
            detail = (
                "must not specify anything other than name and generateName, "
                "but metadata is implicitly specified"
            )
            yield forbidden(field, detail)
            return


def _list_rules(schema: Json, field: str) -> Iterator[Cause]:
    if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
        yield required(f"{field}.items", "must be specified")
    kind = schema.get("x-kubernetes-list-type")
    if kind is not None and kind not in {"atomic", "map", "set"}:
        yield unsupported(f"{field}.x-kubernetes-list-type", kind, ("atomic", "map", "set"))
    keys = schema.get("x-kubernetes-list-map-keys") or []
    if kind == "map" and not keys:
        yield required(
            f"{field}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map"
        )
    if kind != "map" and keys:
        yield required(
            f"{field}.x-kubernetes-list-type", "must be map if x-kubernetes-list-map-keys is non-empty"
        )
    if kind == "map":
        items = schema.get("items") or {}
        properties, needed = items.get("properties") or {}, items.get("required") or []
        for key in keys:
            if key not in properties:
                yield invalid(
                    f"{field}.x-kubernetes-list-map-keys", key, "entries must all be names of item properties"
                )
            elif key not in needed and "default" not in properties[key]:
                detail = (
                    "this property is in x-kubernetes-list-map-keys, "
                    "so it must have a default or be a required property"
                )
                yield required(f"{field}.items.properties[{key}].default", detail)
        if len(set(keys)) != len(keys):
            yield duplicate(f"{field}.x-kubernetes-list-map-keys", keys)


def _inside_junctors(schema: Json, field: str) -> Iterator[Cause]:
    for junctor in _JUNCTORS:
        for at, one in enumerate(schema.get(junctor) or ()):
            yield from _value_only(one, f"{field}.{junctor}[{at}]", schema)
    if isinstance(schema.get("not"), dict):
        yield from _value_only(schema["not"], f"{field}.not", schema)


def _value_only(schema: Json, field: str, outer: Json) -> Iterator[Cause]:
    int_or_string = bool(outer.get("x-kubernetes-int-or-string"))
    for name in _NOT_IN_JUNCTORS:
        if name in schema and not (name == "type" and int_or_string):
            yield forbidden(
                f"{field}.{name}",
                "must be empty to be structural" if name == "type" else "must be undefined to be structural",
            )


def validate_crd_update(new: Json, old: Json) -> list[Cause]:
    """Group, names and scope of a CRD that has been established stay."""
    causes: list[Cause] = []
    conditions = (old.get("status") or {}).get("conditions") or []
    established = any(one.get("type") == "Established" and one.get("status") == "True" for one in conditions)
    spec, before = new["spec"], old["spec"]
    if not established:
        return causes
    pairs = [
        ("spec.group", spec.get("group"), before.get("group")),
        ("spec.scope", spec.get("scope"), before.get("scope")),
        ("spec.names.kind", spec["names"].get("kind"), before["names"].get("kind")),
        ("spec.names.plural", spec["names"].get("plural"), before["names"].get("plural")),
    ]
    causes += [invalid(field, now, "field is immutable") for field, now, was in pairs if not same(now, was)]
    stored = set((old.get("status") or {}).get("storedVersions") or ())
    missing = stored - {version.get("name") for version in spec.get("versions") or ()}
    for at, name in enumerate((old.get("status") or {}).get("storedVersions") or ()):
        if name in missing:
            detail = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and "
                f"removes {name} from status.storedVersions"
            )
            causes.append(invalid(f"status.storedVersions[{at}]", name, detail))
    return causes
