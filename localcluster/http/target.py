"""What a request is about, read from method, path and query alone: before any body, and before it is
known whether such a resource exists. Authorization judges this and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_NAMESPACE_SUBRESOURCES = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Target:
    """A resource request, or (where `is_resource` is false) a page such as /version.

    For namespaces themselves both `namespace` and `name` are the namespace's name. `whole` says that the
    path is a collection's; a list or watch of one may still carry a `name`, from its field selector.
    """

    verb: str
    path: str
    is_resource: bool = False
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    deeper: tuple[str, ...] = ()
    whole: bool = False


def read_target(method: str, raw_path: str, query: Mapping[str, str]) -> Target:
    """Read `raw_path` (percent-encoded, without query); empty segments make it a page that is not there."""
    parts = [unquote(part) for part in raw_path.strip("/").split("/")]
    if "//" in raw_path or any(part in (".", "..", "") for part in parts):
        return _page(method, raw_path)
    if parts[0] == "api" and len(parts) >= 3:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return _page(method, raw_path)
    verb = _VERBS.get(method, method.lower())
    target = _resource(verb, raw_path, (group, version), rest)
    if target.name:
        return target
    return _of_collection(target, method, query)


def _page(method: str, raw_path: str) -> Target:
    return Target(method.lower(), unquote(raw_path))


def _resource(verb: str, path: str, group_version: tuple[str, str], rest: list[str]) -> Target:
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        # /namespaces/NAME/status is the namespace's own; anything else lies inside the namespace.
        if len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
            rest = rest[2:]
    name, subresource = (*rest[1:3], "", "")[:2]
    return Target(
        verb=verb,
        path=path,
        is_resource=True,
        group=group_version[0],
        version=group_version[1],
        resource=rest[0],
        subresource=subresource,
        namespace=namespace,
        name=name,
        deeper=tuple(rest[3:]),
    )


def _of_collection(target: Target, method: str, query: Mapping[str, str]) -> Target:
    """A read of a whole collection is a list or a watch, and may name one object by field selector."""
    verb = target.verb
    if method in ("GET", "HEAD"):
        verb = "watch" if is_true(query.get("watch")) else "list"
    elif method == "DELETE":
        verb = "deletecollection"
    name = (
        _selected_name(query.get("fieldSelector", ""))
        if verb in ("list", "watch", "deletecollection")
        else ""
    )
    return Target(
        verb=verb,
        path=target.path,
        is_resource=True,
        group=target.group,
        version=target.version,
        resource=target.resource,
        namespace=target.namespace,
        name=name,
        whole=True,
    )


def _selected_name(selector: str) -> str:
    for part in selector.split(","):
        field, _, value = part.partition("=")
        if field.strip() == "metadata.name":
            return value.removeprefix("=").strip()
    return ""


def is_true(text: str | None) -> bool:
    """How query parameters say yes: by being there with anything but false and 0, even empty."""
    return text is not None and text != "0" and text.lower() != "false"
