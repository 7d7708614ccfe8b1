"""scale: the replicas of any workload, as an autoscaling/v1 Scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localcluster import rules
from localcluster.admission.webhooks.write import UPDATE, Write
from localcluster.http.accept import accepted
from localcluster.http.answer import Answer
from localcluster.http.body import media_type, read_body
from localcluster.http.decoding import decode_object
from localcluster.http.options import WriteOptions, read_write_options
from localcluster.resources.resource import Resource
from localcluster.selectors.text import selector_query
from localcluster.status import MODIFIED, FieldError, conflict, invalid
from localcluster.subresources.ownership import scale_entries, with_scale_entries
from localcluster.verbs.patching import APPLY, edited, require_supported
from localcluster.verbs.reading import get
from localcluster.verbs.updating import read_version, replace, require_name_matches

if TYPE_CHECKING:
    from localcluster.cluster import Cluster
    from localcluster.http.exchange import Exchange
    from localcluster.store.revision import Obj
    from localcluster.verbs.call import Call


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a kind keeps what a Scale shows; `selector` is None where it has none to tell."""

    replicas: tuple[str, ...] = ("spec", "replicas")
    status: tuple[str, ...] = ("status", "replicas")
    selector: tuple[str, ...] | None = ("spec", "selector")


def _scale_resource(parent: Resource) -> Resource:
    return Resource(
        group="autoscaling",
        version="v1",
        plural=parent.plural,
        kind="Scale",
        singular="",
        namespaced=True,
        collection=parent.collection,
    )


def _paths(resource: Resource) -> Paths:
    if resource.custom is None:
        return Paths()
    declared = resource.custom.compiled.scale
    assert declared is not None
    return Paths(
        _split(declared.spec_replicas),
        _split(declared.status_replicas),
        _split(declared.label_selector) if declared.label_selector else None,
    )


def _split(path: str) -> tuple[str, ...]:
    return tuple(path.lstrip(".").split("."))


def _at(obj: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        obj = obj.get(part) if isinstance(obj, dict) else None
    return obj


def scale_of(obj: Obj, paths: Paths) -> Obj:
    """The Scale of an object, without managedFields."""
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    replicas = _at(obj, paths.replicas) or 0
    status: Obj = {"replicas": _at(obj, paths.status) or 0}
    selector = _at(obj, paths.selector) if paths.selector else None
    if selector:
        status["selector"] = selector if isinstance(selector, str) else selector_query(selector)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


async def serve_scale(cluster: Cluster, exchange: Exchange, call: Call) -> Answer:
    accepted(exchange.accept)
    paths = _paths(call.resource)
    revision = get(cluster.store, call)
    old = rules.from_storage(call.resource, revision.load())
    present = scale_of(old, paths)
    if exchange.target.verb == "get":
        return Answer(present)
    before = scale_entries(old, paths.replicas)
    if before:
        present["metadata"]["managedFields"] = before
    wanted, options = await _wanted(exchange, call, present)
    _require_valid(call, paths, wanted)
    if read_version(wanted) not in (0, revision.version):
        raise conflict(call.resource.plural, call.resource.group, call.name, MODIFIED)
    options_sent = options.as_object("UpdateOptions")
    mutated = await cluster.admission.consult(
        Write(call, UPDATE, wanted, present, options_sent, options.dry_run)
    )
    assert mutated is not None
    wanted = mutated
    obj = rules.from_storage(call.resource, revision.load())
    _set(obj, paths.replicas, (wanted.get("spec") or {}).get("replicas", 0))
    with_scale_entries(obj, paths.replicas, wanted["metadata"].get("managedFields") or [])
    main = call.through("")
    result = await replace(cluster.store, cluster.admission.within, main, (revision, old), obj, options)
    await cluster.store.durable()
    return Answer(scale_of(result, paths))


async def _wanted(exchange: Exchange, call: Call, present: Obj) -> tuple[Obj, WriteOptions]:
    """The Scale that a PUT or a patch asks for, its managedFields brought up to date."""
    query, body = exchange.request.query, await read_body(exchange.request)
    content = media_type(exchange.request.headers.get("Content-Type"))
    scale = _scale_resource(call.resource)
    if exchange.target.verb == "update":
        options = read_write_options(query, exchange.dry_run(), "UpdateOptions")
        wanted = decode_object(scale, body, content, options.validation, call.warnings)
    else:
        require_supported(scale, content)
        options = read_write_options(query, exchange.dry_run(), "PatchOptions", apply=content == APPLY)
        if content == APPLY:
            applied = decode_object(scale, body, "application/yaml", options.validation, [])
            wanted = rules.apply(scale, present, applied, options.manager, "scale", force=options.force)
            return wanted, options
        wanted = edited(scale, present, content, body, options, call.warnings)
    wanted["metadata"].setdefault("namespace", call.namespace)
    require_name_matches(call, wanted)
    rules.track(scale, present, wanted, options.manager or call.manager, "scale")
    return wanted, options


def _require_valid(call: Call, paths: Paths, wanted: Obj) -> None:
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    if replicas >= 0:
        return
    if call.resource.custom is not None:
        field, why = "." + ".".join(paths.replicas), "should be a non-negative integer"
        cause = FieldError(field, "FieldValueInvalid", f"Invalid value: {replicas}: {why}")
        raise invalid(call.resource.kind, call.resource.group, call.name, [cause])
    text = f"Invalid value: {replicas}: must be greater than or equal to 0"
    raise invalid("Scale", "autoscaling", call.name, [FieldError("spec.replicas", "FieldValueInvalid", text)])


def _set(obj: Obj, path: tuple[str, ...], value: int) -> None:
    for part in path[:-1]:
        obj = obj.setdefault(part, {})
    obj[path[-1]] = value
