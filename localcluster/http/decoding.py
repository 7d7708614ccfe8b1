"""From the bytes of a request to an object of the resource's kind."""

from __future__ import annotations

from localcluster import rules
from localcluster.resources.resource import Resource
from localcluster.status import FieldError, bad_request, invalid
from localcluster.store.revision import Obj

PROTOBUF = "application/vnd.kubernetes.protobuf"


def read_object(body: bytes, content: str, *, merge: bool = True) -> tuple[Obj, tuple[str, ...]]:
    """A document that is an object, and complaints about keys given twice. Raises 400 and 415 Refusals."""
    if content == PROTOBUF:
        return _from_protobuf(body), ()
    document = rules.read_document(body, content, merge=merge)
    if not isinstance(document.content, dict):
        raise bad_request("the object provided is unrecognized: it is not an object")
    return document.content, document.duplicates


def _from_protobuf(body: bytes) -> Obj:
    from localcluster.objects.protobuf.decode import read_protobuf

    with rules.refusing():
        return read_protobuf(body)


def decode_object(resource: Resource, body: bytes, content: str, directive: str, warnings: list[str]) -> Obj:
    """An object of the resource, its fields checked and defaulted; warnings are added to the list."""
    obj, duplicates = read_object(body, content, merge=resource.custom is None)
    require_kind(resource, obj)
    return rules.decode(resource, obj, duplicates, directive, warnings)


def require_kind(resource: Resource, obj: Obj) -> None:
    """Fill in kind and apiVersion from the URL, or raise where the object names others."""
    kind, version = obj.get("kind") or "", obj.get("apiVersion") or ""
    if resource.custom is not None:
        _require_custom_kind(resource, obj, kind, version)
    elif kind not in ("", resource.kind) or version not in ("", resource.api_version):
        raise _mismatch(resource, kind or resource.kind, version or resource.api_version)
    obj["kind"], obj["apiVersion"] = resource.kind, resource.api_version
    if not isinstance(obj.get("metadata"), dict):
        if obj.get("metadata") is not None:
            raise bad_request("the object provided is unrecognized: metadata is not an object")
        obj["metadata"] = {}


def _mismatch(resource: Resource, kind: str, version: str) -> Exception:
    own = resource.api_version
    if kind == resource.kind and version.partition("/")[0] != own.partition("/")[0] and "/" in version + own:
        return bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({own})"
        )
    head = f'{kind} in version "{version}" cannot be handled as a {resource.kind}'
    if version == own:
        group = resource.group or "core"
        package = group.partition(".")[0]
        return bad_request(
            f"{head}: converting ({resource.version}.{kind}) to ({package}.{resource.kind}): "
            "unknown conversion"
        )
    return bad_request(
        f'{head}: no kind "{kind}" is registered for version "{version}" in scheme "localcluster"'
    )


def _require_custom_kind(resource: Resource, obj: Obj, kind: str, version: str) -> None:
    if not kind:
        raise bad_request("Object 'Kind' is missing in the body")
    if version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if kind != resource.kind:
        name = (obj.get("metadata") or {}).get("name", "")
        cause = FieldError("kind", "FieldValueInvalid", f'Invalid value: "{kind}": must be {resource.kind}')
        raise invalid(kind, resource.group, name, [cause])
