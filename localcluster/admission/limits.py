"""LimitRanges: what containers get that say nothing, and bounds on pods, containers and claims."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localcluster.admission import amounts
from localcluster.admission.amounts import Amounts
from localcluster.objects.quantity import Quantity
from localcluster.status import forbidden
from localcluster.store.revision import Obj
from localcluster.store.store import Store
from localcluster.verbs.call import Call

_ANNOTATION = "kubernetes.io/limit-ranger"
_PARTS = (("defaultRequest", "requests", "request"), ("default", "limits", "limit"))


def complete(store: Store, call: Call, pod: Obj) -> None:
    """Give the containers of a new pod the requests and limits that the namespace has for them."""
    given = [
        text
        for limit in _items(store, call.namespace)
        if limit["type"] == "Container"
        for text in _completed(pod["spec"], limit)
    ]
    if given:
        annotations = pod["metadata"].get("annotations") or {}
        told = "LimitRanger plugin set: " + "; ".join(given)
        pod["metadata"]["annotations"] = {**annotations, _ANNOTATION: told}


def _completed(spec: Obj, limit: Obj) -> Iterator[str]:
    for key, words in (("containers", "container"), ("initContainers", "init container")):
        for container in spec.get(key) or ():
            for defaults, part, word in _PARTS:
                names = _fill(container, part, limit.get(defaults) or {})
                if names:
                    yield f"{', '.join(sorted(names))} {word} for {words} {container['name']}"


def _fill(container: Obj, part: str, defaults: Obj) -> list[str]:
    resources = container.get("resources") or {}
    present = resources.get(part) or {}
    missing = {name: amount for name, amount in defaults.items() if name not in present}
    if missing:
        container["resources"] = {**resources, part: {**present, **missing}}
    return list(missing)


def require(store: Store, call: Call, obj: Obj, *, creating: bool) -> None:
    """Raise 403 where a new pod, or a claim, is beyond the bounds of the namespace."""
    kind = obj["kind"]
    if call.resource.custom is not None or call.subresource:
        return
    if kind == "PersistentVolumeClaim" or (kind == "Pod" and creating):
        problems = [
            why for limit in _items(store, call.namespace) for why in _problems(limit, obj) if why is not None
        ]
        if problems:
            listed = problems[0] if len(problems) == 1 else f"[{', '.join(dict.fromkeys(problems))}]"
            raise forbidden(call.resource.plural, "", obj["metadata"].get("name", ""), listed)


def _items(store: Store, namespace: str) -> Iterator[dict[str, Any]]:
    for revision in store.snapshot("limitranges", namespace):
        yield from revision.load()["spec"].get("limits") or ()


def _problems(limit: Obj, obj: Obj) -> Iterator[str | None]:
    kind, spec = limit["type"], obj["spec"]
    if kind == "PersistentVolumeClaim" and obj["kind"] == kind:
        yield from _of_claim(limit, amounts.read((spec.get("resources") or {}).get("requests")))
    elif kind == "Pod" and obj["kind"] == kind:
        yield from _of_both(limit, amounts.of_pod(obj, "requests"), amounts.of_pod(obj, "limits"))
    elif kind == "Container" and obj["kind"] == "Pod":
        for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
            resources = container.get("resources") or {}
            requests, limits = amounts.read(resources.get("requests")), amounts.read(resources.get("limits"))
            yield from _of_both(limit, requests, limits)


def _of_both(limit: Obj, requests: Amounts, limits: Amounts) -> Iterator[str | None]:
    kind = limit["type"]
    for name, bound in amounts.read(limit.get("min")).items():
        said = f"minimum {name} usage per {kind} is {bound}"
        yield _below(said, bound, requests.get(name), limits.get(name))
    for name, bound in amounts.read(limit.get("max")).items():
        said = f"maximum {name} usage per {kind} is {bound}"
        yield _above(said, bound, requests.get(name), limits.get(name))
    for name, bound in amounts.read(limit.get("maxLimitRequestRatio")).items():
        said = f"{name} max limit to request ratio per {kind} is {bound}"
        yield _ratio(said, bound, requests.get(name), limits.get(name))


def _of_claim(limit: Obj, requests: Amounts) -> Iterator[str | None]:
    kind = limit["type"]
    for name, bound in amounts.read(limit.get("min")).items():
        yield _below(f"minimum {name} usage per {kind} is {bound}", bound, requests.get(name), None)
    for name, bound in amounts.read(limit.get("max")).items():
        request, said = requests.get(name), f"maximum {name} usage per {kind} is {bound}"
        if request is None:
            yield f"{said}.  No request is specified"
        elif request.value > bound.value:
            yield f"{said}, but request is {request}"


def _below(said: str, bound: Quantity, request: Quantity | None, limit: Quantity | None) -> str | None:
    if request is None:
        return f"{said}.  No request is specified"
    if request.value < bound.value:
        return f"{said}, but request is {request}"
    if limit is not None and limit.value < bound.value:
        return f"{said}, but limit is {limit}"
    return None


def _above(said: str, bound: Quantity, request: Quantity | None, limit: Quantity | None) -> str | None:
    if limit is None:
        return f"{said}.  No limit is specified"
    if limit.value > bound.value:
        return f"{said}, but limit is {limit}"
    if request is not None and request.value > bound.value:
        return f"{said}, but request is {request}"
    return None


def _ratio(said: str, bound: Quantity, request: Quantity | None, limit: Quantity | None) -> str | None:
    if request is None or not request.value:
        return f"{said}, but no request is specified or request is 0"
    if limit is None or not limit.value:
        return f"{said}, but no limit is specified or limit is 0"
    ratio = limit.value / request.value
    return f"{said}, but provided ratio is {float(ratio):f}" if ratio > bound.value else None
