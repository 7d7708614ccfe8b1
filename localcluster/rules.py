"""The seam to what is known of kinds (localcluster.objects): the only module that asks it anything.

Every function takes the resource, so that callers need not care whether a kind is built in or custom.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import orjson

from localcluster.clock import stamp
from localcluster.conversion.forms import KEPT_AS, form_of
from localcluster.objects import managed, reader, reader_yaml, strategy, validation
from localcluster.objects.conflict import ApplyConflict
from localcluster.objects.crd.prune import decode_custom, default_custom, prune
from localcluster.objects.crd.validate import validate_custom
from localcluster.objects.decode import NotDecodable, StrictDecodingError, check_fields, normalise
from localcluster.objects.defaults import apply_defaults
from localcluster.objects.errors import ObjectError, Unprocessable
from localcluster.objects.fieldset import FieldSet
from localcluster.objects.protobuf import decode as protobuf
from localcluster.objects.schema import Schema, builtin, untyped
from localcluster.resources.resource import Resource
from localcluster.status import Cause, FieldError, Refusal, invalid, unsupported_body
from localcluster.store.revision import Obj

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml")


@contextmanager
def refusing() -> Iterator[None]:
    """Turns failures about objects into refusals."""
    try:
        yield
    except Unprocessable as error:
        raise Refusal(422, "Invalid", str(error), {}) from error
    except ObjectError as error:
        raise Refusal(error.code, error.reason or None, str(error)) from error


def read_document(body: bytes, content: str, *, merge: bool = True) -> reader.Document:
    """Parse JSON, YAML or protobuf; raises 415 for other media types and 400 for what can't be read."""
    with refusing():
        if content == "application/json":
            return reader.read_json(body, merge=merge)
        if content in YAML_TYPES:
            return reader_yaml.read_yaml(body)
        if content == protobuf.MEDIA_TYPE:
            return reader.Document(protobuf.read_protobuf(body), ())
    raise unsupported_body()


def decode(
    resource: Resource, obj: Obj, duplicates: Sequence[str], directive: str, warnings: list[str]
) -> Obj:
    """The object as the kind's types make it, defaults filled in; complaints are added to `warnings`."""
    with refusing():
        return _decode(resource, obj, duplicates, directive, warnings)


def decode_patched(resource: Resource, obj: Obj, sent: bytes, directive: str, warnings: list[str]) -> Obj:
    """The same for what a patch has made: what is wrong with it is wrong with the patch (422)."""
    try:
        return _decode(resource, obj, (), directive, warnings)
    except (StrictDecodingError, NotDecodable) as error:
        text = orjson.dumps(sent.decode(errors="replace")).decode()
        cause = FieldError("patch", "FieldValueInvalid", f"Invalid value: {text}: {error.detail}")
        raise invalid("", "", "", [cause]) from error


def _decode(
    resource: Resource, obj: Obj, duplicates: Sequence[str], directive: str, warnings: list[str]
) -> Obj:
    if resource.custom is not None:
        compiled = resource.custom.compiled
        pruned = decode_custom(obj, compiled.schema, duplicates, directive)
        warnings.extend(pruned.warnings)
        return pruned.obj
    decoded = check_fields(obj, schema_of(resource), duplicates, directive)
    warnings.extend(decoded.warnings)
    return apply_defaults(decoded.obj)


def prepare_create(resource: Resource, obj: Obj) -> None:
    """Reset and derive what a creator does not decide."""
    strategy.prepare_create(obj, custom_status=_custom_status(resource))


def prepare_update(resource: Resource, new: Obj, old: Obj, subresource: str) -> None:
    """Put back what this (sub)resource may not change, and set the generation."""
    if resource.kind == "Namespace" and subresource == "finalize":
        finalizers = (new.get("spec") or {}).get("finalizers")
        new.clear()
        new.update(
            {**old, "metadata": {**old["metadata"]}, "spec": {"finalizers": finalizers} if finalizers else {}}
        )
        return
    strategy.prepare_update(new, old, subresource, custom_status=_custom_status(resource))


def _custom_status(resource: Resource) -> bool | None:
    return None if resource.custom is None else resource.custom.compiled.has_status


def _reset_fields(resource: Resource, subresource: str) -> FieldSet:
    custom_status = _custom_status(resource)
    return strategy.reset_fields(resource.group, resource.kind, subresource, custom_status=custom_status)


def validate_create(resource: Resource, obj: Obj) -> Sequence[Cause]:
    if resource.custom is not None:
        causes = validation.validate_custom_meta(obj)
        return causes + validate_custom(obj, None, resource.custom.compiled)
    return validation.validate_create(obj)


def validate_update(resource: Resource, new: Obj, old: Obj, subresource: str) -> Sequence[Cause]:
    if resource.custom is not None:
        causes = validation.validate_custom_meta(new, old)
        return causes + validate_custom(new, old, resource.custom.compiled, subresource=subresource)
    return validation.validate_update(new, old, subresource)


def schema_of(resource: Resource) -> Schema:
    if resource.custom is not None:
        return resource.custom.compiled.schema
    found = builtin(resource.group, resource.version, resource.kind)
    return found if found is not None else untyped()


def track(resource: Resource, live: Obj | None, new: Obj, manager: str, subresource: str) -> None:
    """Bring new.metadata.managedFields up to date after an update by `manager`."""
    writer = managed.Writer(manager, resource.api_version, subresource)
    reset = _reset_fields(resource, subresource)
    entries = managed.after_update(live, new, schema_of(resource), writer=writer, now=stamp(), reset=reset)
    set_managed(new, entries)


def set_managed(obj: Obj, entries: list[Obj] | None) -> None:
    if entries:
        obj["metadata"]["managedFields"] = entries
    else:
        obj["metadata"].pop("managedFields", None)


def apply(
    resource: Resource, live: Obj | None, applied: Obj, manager: str, subresource: str, *, force: bool
) -> Obj:
    """The object after a server-side apply, managedFields included."""
    writer = managed.Writer(manager, resource.api_version, subresource)
    try:
        with refusing():
            outcome = managed.apply(
                live,
                applied,
                schema_of(resource),
                writer=writer,
                now=stamp(),
                force=force,
                reset=_reset_fields(resource, subresource),
            )
    except ApplyConflict as found:
        raise _apply_conflict(found) from found
    obj = outcome.obj
    set_managed(obj, outcome.managed)
    return obj


def _apply_conflict(found: ApplyConflict) -> Refusal:
    causes = [
        {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in found.causes
    ]
    return Refusal(409, "Conflict", str(found), {"causes": causes})


def settle(live: Obj, new: Obj) -> Obj:
    """`new`, with the live managedFields where nothing but their times changed."""
    return managed.settle_times(live, new)


def to_storage(resource: Resource, obj: Obj) -> Obj:
    """The object in the form in which its kind is kept, kind and apiVersion first; may share with `obj`."""
    custom = resource.custom
    if custom is None:
        form = form_of(resource)
        if form is not None:
            obj = normalise(form[0](obj), _schema_kept(resource))
        kept = {"kind": obj["kind"], "apiVersion": obj["apiVersion"], **obj}
        for name, field in schema_of(resource).fields.items():
            # An empty list does not survive being kept; where none is written as null, it becomes that.
            if field.emit == "always" and field.shape == "list" and kept.get(name) == []:
                kept[name] = None
        return kept
    if not custom.is_storage:
        obj = {**prune(obj, custom.storage.schema, []), "apiVersion": custom.storage_api_version}
    return obj


def from_storage(resource: Resource, obj: Obj) -> Obj:
    """A stored object (given away by the caller) in the form of `resource`."""
    custom = resource.custom
    if custom is None:
        form = form_of(resource)
        return obj if form is None else normalise(form[1](obj), schema_of(resource))
    if custom.changed:
        obj = default_custom(prune(obj, custom.storage.schema, []), custom.storage.schema)
    if not custom.is_storage:
        obj = {**prune(obj, custom.compiled.schema, []), "apiVersion": resource.api_version}
    return obj


def is_served_as_stored(resource: Resource) -> bool:
    """Whether the stored bytes are what this version serves."""
    custom = resource.custom
    if custom is None:
        return form_of(resource) is None
    return custom.is_storage and not custom.changed


def refuse(resource: Resource, name: str, causes: Sequence[Cause]) -> Refusal:
    """422 for an invalid object; it names the kind as it is kept, which matters for events."""
    kept = KEPT_AS.get((resource.group, resource.version, resource.kind))
    return invalid(resource.kind, kept[0] if kept else resource.group, name, causes)


def _schema_kept(resource: Resource) -> Schema:
    found = builtin(*KEPT_AS[resource.group, resource.version, resource.kind])
    assert found is not None
    return found
