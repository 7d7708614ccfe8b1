"""Field selectors: `metadata.name=a,status.phase!=Running`, on the fields that a kind offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcluster.resources.resource import Resource
from localcluster.status import Refusal, bad_request
from localcluster.store.revision import Obj, Revision

Fields = Mapping[str, str]
_METADATA = ("metadata.name", "metadata.namespace")
MAX_LENGTH = 64 * 1024


def _at(obj: Obj, path: str) -> str:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _paths(*paths: str) -> Callable[[Obj], Fields]:
    return lambda obj: {path: _at(obj, path) for path in paths}


def _pod(obj: Obj) -> Fields:
    fields = dict(
        _paths(
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        )(obj)
    )
    fields["spec.hostNetwork"] = fields["spec.hostNetwork"] or "false"
    return fields


def _node(obj: Obj) -> Fields:
    return {"spec.unschedulable": _at(obj, "spec.unschedulable") or "false"}


def _replicas(obj: Obj) -> Fields:
    return {"status.replicas": _at(obj, "status.replicas") or "0"}


def _event(obj: Obj) -> Fields:
    fields = dict(
        _paths(
            *(
                f"involvedObject.{name}"
                for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
            ),
            "reason",
            "reportingComponent",
            "type",
        )(obj)
    )
    fields["source"] = _at(obj, "source.component") or fields["reportingComponent"]
    return fields


def _events_k8s_io(obj: Obj) -> Fields:
    """The newer face of events has names of its own for the same fields (stored in the core form)."""
    core = _event(obj)
    renamed = {f"regarding.{k.removeprefix('involvedObject.')}": v for k, v in core.items() if "." in k}
    return renamed | {
        "reason": core["reason"],
        "type": core["type"],
        "reportingController": core["reportingComponent"],
        "source": core["source"],
    }


def _job(obj: Obj) -> Fields:
    return {"status.successful": _at(obj, "status.succeeded") or "0"}


_OF_KIND: dict[tuple[str, str], tuple[tuple[str, ...], Callable[[Obj], Fields]]] = {}


def _offer(group: str, plural: str, read: Callable[[Obj], Fields]) -> None:
    _OF_KIND[group, plural] = (tuple(read({})), read)


_offer("", "pods", _pod)
_offer("", "nodes", _node)
_offer("", "replicationcontrollers", _replicas)
_offer("", "namespaces", _paths("status.phase"))
_offer("", "secrets", _paths("type"))
_offer("", "services", _paths("spec.clusterIP", "spec.type"))
_offer("", "events", _event)
_offer("events.k8s.io", "events", _events_k8s_io)
_offer("apps", "replicasets", _replicas)
_offer("batch", "jobs", _job)
_offer("certificates.k8s.io", "certificatesigningrequests", _paths("spec.signerName"))


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Requirements are (field, equal or not, value); `read` gives an object's fields beyond its names."""

    requirements: tuple[tuple[str, bool, str], ...] = ()
    read: Callable[[Obj], Fields] | None = None

    @property
    def needs_object(self) -> bool:
        return any(field not in _METADATA for field, _, _ in self.requirements)

    def matches(self, revision: Revision) -> bool:
        fields: Mapping[str, str] = {}
        if self.needs_object and self.read is not None:
            fields = _remembered(revision, self.read)
        namespace, name = revision.key
        for field, equal, value in self.requirements:
            if field == "metadata.name":
                actual = name
            elif field == "metadata.namespace":
                actual = namespace
            else:
                actual = fields.get(field, "")
            if (actual == value) is not equal:
                return False
        return True


EVERYTHING = FieldSelector()


def _remembered(revision: Revision, read: Callable[[Obj], Fields]) -> Fields:
    fields: Fields | None = revision.remembered(read)
    if fields is None:
        fields = read(revision.load())
        revision.remember(read, fields)
    return fields


def parse_fields(text: str, resource: Resource) -> FieldSelector:
    """Parse a field selector for a kind; raises a 400 Refusal for syntax and for fields not offered."""
    if not text.strip():
        return EVERYTHING
    if len(text) > MAX_LENGTH:
        raise bad_request("field selector is too long")
    offered, read = _offered(resource)
    requirements = []
    for term in filter(None, _split(text)):
        field, equal, value = _term(term, text)
        if field not in _METADATA and field not in offered:
            raise _unknown(field, resource, offered)
        requirements.append((field, equal, value))
    return FieldSelector(tuple(requirements), read)


def _offered(resource: Resource) -> tuple[tuple[str, ...], Callable[[Obj], Fields] | None]:
    if resource.custom is not None:
        read = resource.custom.read_fields
        return tuple(read({})), read
    return _OF_KIND.get((resource.group, resource.plural), ((), None))


def _unknown(field: str, resource: Resource, offered: tuple[str, ...]) -> Refusal:
    if not offered:
        return bad_request(
            f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
        )
    if resource.custom is not None:
        return bad_request(f"field label not supported: {field}")
    return bad_request(f"field label not supported: {field}")


def _split(text: str) -> list[str]:
    terms, start, escaped = [], 0, False
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == ",":
            terms.append(text[start:at])
            start = at + 1
    terms.append(text[start:])
    return terms


def _term(term: str, whole: str) -> tuple[str, bool, str]:
    for operator in ("!=", "==", "="):
        field, found, value = term.partition(operator)
        if found and ("=" not in field):
            return field, operator != "!=", _unescape(value)
    raise bad_request(f"invalid selector: '{whole}'; can't understand '{term}'")


def _unescape(value: str) -> str:
    result, escaped = [], False
    for char in value:
        if escaped or char != "\\":
            result.append(char)
            escaped = False
        else:
            escaped = True
    return "".join(result)
