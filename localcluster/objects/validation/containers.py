"""Containers: names, images, ports, environment, mounts, resources, probes."""

from __future__ import annotations

import re
from typing import Any

from localcluster.objects import forms, quantity
from localcluster.objects.causes import Cause, duplicate, forbidden, invalid, not_found, required, unsupported
from localcluster.objects.forms import each, not_negative

Json = dict[str, Any]

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_ENV_NAME = re.compile(r"[\x20-\x3c\x3e-\x7e]+")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_NOT_OVERCOMMITTED = re.compile(r"hugepages-|[^/]+\.[^/]+/")


def containers(spec: Json, field: str, volumes: set[str]) -> list[Cause]:
    """The containers and init containers of a pod spec."""
    causes: list[Cause] = []
    listed = spec.get("containers") or []
    names: set[str] = set()
    if not listed:
        causes.append(required(f"{field}.containers"))
    for at, one in enumerate(listed):
        where = f"{field}.containers[{at}]"
        causes += _common(one, where, volumes)
        causes += _unique(one, where, names)
        causes += _lifecycle(one, where)
        causes += _probes(one, where)
    for at, one in enumerate(spec.get("initContainers") or ()):
        where = f"{field}.initContainers[{at}]"
        causes += _common(one, where, volumes)
        causes += _unique(one, where, names)
        causes += _init(one, where)
    return causes


def _unique(one: Json, where: str, names: set[str]) -> list[Cause]:
    name = one.get("name", "")
    if name and name in names:
        return [duplicate(f"{where}.name", name)]
    names.add(name)
    return []


def _common(one: Json, where: str, volumes: set[str]) -> list[Cause]:
    name = one.get("name", "")
    causes = each(f"{where}.name", name, forms.dns_label(name)) if name else [required(f"{where}.name")]
    if not one.get("image"):
        causes.append(required(f"{where}.image"))
    policy = one.get("terminationMessagePolicy")
    if policy not in {"File", "FallbackToLogsOnError"}:
        known = ("File", "FallbackToLogsOnError")
        causes.append(unsupported(f"{where}.terminationMessagePolicy", policy, known))
    causes += _ports(one.get("ports") or [], f"{where}.ports")
    causes += _env(one.get("env") or [], f"{where}.env")
    causes += _env_from(one.get("envFrom") or [], f"{where}.envFrom")
    causes += _mounts(one, where, volumes)
    pull = one.get("imagePullPolicy", "")
    if pull not in _PULL_POLICIES:
        causes.append(unsupported(f"{where}.imagePullPolicy", pull, _PULL_POLICIES))
    causes += resources(one.get("resources") or {}, f"{where}.resources")
    return causes


def _ports(ports: list[Json], field: str) -> list[Cause]:
    causes: list[Cause] = []
    names: set[str] = set()
    for at, port in enumerate(ports):
        where = f"{field}[{at}]"
        if name := port.get("name"):
            wrong = each(f"{where}.name", name, forms.port_name(name))
            causes += wrong or ([duplicate(f"{where}.name", name)] if name in names else [])
            names.add(name)
        number = port.get("containerPort", 0)
        if not number:
            causes.append(required(f"{where}.containerPort"))
        else:
            causes += each(f"{where}.containerPort", number, forms.port_number(number))
        if host := port.get("hostPort"):
            causes += each(f"{where}.hostPort", host, forms.port_number(host))
        if port.get("protocol") not in _PROTOCOLS:
            causes.append(unsupported(f"{where}.protocol", port.get("protocol", ""), _PROTOCOLS))
    return causes


def _env(variables: list[Json], field: str) -> list[Cause]:
    causes: list[Cause] = []
    for at, one in enumerate(variables):
        where = f"{field}[{at}]"
        name = one.get("name", "")
        if not name:
            causes.append(required(f"{where}.name"))
        elif not _ENV_NAME.fullmatch(name):
            detail = (
                "a valid environment variable name must consist only of printable ASCII characters "
                "other than '='"
            )
            causes.append(invalid(f"{where}.name", name, detail))
        causes += _value_from(one, f"{where}.valueFrom")
    return causes


def _value_from(one: Json, where: str) -> list[Cause]:
    source = one.get("valueFrom")
    if source is None:
        return []
    causes: list[Cause] = []
    found = [name for name in _SOURCES if source.get(name) is not None]
    for name in ("configMapKeyRef", "secretKeyRef"):
        if name in found:
            causes += _key_ref(source[name], f"{where}.{name}")
    if not found:
        known = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        causes.append(invalid(where, "", f"must specify one of: {known}"))
    elif one.get("value"):
        causes.append(invalid(where, "", "may not be specified when `value` is not empty"))
    elif len(found) > 1:
        causes.append(invalid(where, "", "may not have more than one field specified at a time"))
    return causes


def _key_ref(ref: Json, where: str) -> list[Cause]:
    causes = [] if ref.get("name") else [required(f"{where}.name")]
    key = ref.get("key", "")
    return causes + (each(f"{where}.key", key, forms.config_key(key)) if key else [required(f"{where}.key")])


def _env_from(sources: list[Json], field: str) -> list[Cause]:
    causes: list[Cause] = []
    for at, one in enumerate(sources):
        found = [name for name in ("configMapRef", "secretRef") if one.get(name) is not None]
        where = f"{field}[{at}]"
        causes += [required(f"{where}.{name}.name") for name in found if not one[name].get("name")]
        if not found:
            causes.append(invalid(where, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(found) > 1:
            causes.append(invalid(where, "", "may not have more than one field specified at a time"))
    return causes


def _mounts(one: Json, where: str, volumes: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    paths: set[str] = set()
    for at, mount in enumerate(one.get("volumeMounts") or ()):
        field = f"{where}.volumeMounts[{at}]"
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            causes.append(required(f"{field}.name"))
        if name not in volumes:
            causes.append(not_found(f"{field}.name", name))
        if not path:
            causes.append(required(f"{field}.mountPath"))
        if path in paths:
            causes.append(invalid(f"{field}.mountPath", path, "must be unique"))
        paths.add(path)
        for kind in ("subPath", "subPathExpr"):
            causes += _descending(mount.get(kind, ""), f"{where}.volumeMounts.{kind}")
    return causes


def _descending(path: str, field: str) -> list[Cause]:
    causes = [invalid(field, path, "must be a relative path")] if path.startswith("/") else []
    return causes + ([invalid(field, path, "must not contain '..'")] if ".." in path.split("/") else [])


def resources(value: Json, field: str) -> list[Cause]:
    """Requests and limits."""
    causes: list[Cause] = []
    limits, requests = value.get("limits") or {}, value.get("requests") or {}
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            where = f"{field}.{kind}[{name}]"
            causes += resource_name(name, where)
            if _amount(amount) < 0:
                causes.append(invalid(where, amount, "must be greater than or equal to 0"))
            if kind == "requests":
                causes += _against_limit(name, amount, limits, field)
    return causes


def _amount(text: str) -> Any:
    return quantity.parse(str(text)).value


def resource_name(name: str, where: str) -> list[Cause]:
    causes = each(where, name, forms.qualified_name(name))
    known = name in {"cpu", "memory", "ephemeral-storage"} or name.startswith("hugepages-")
    if not causes and not known and "/" not in name:
        causes.append(invalid(where, name, "must be a standard resource for containers"))
    return causes


def _against_limit(name: str, amount: str, limits: Json, field: str) -> list[Cause]:
    limit = limits.get(name)
    fixed = _NOT_OVERCOMMITTED.match(name) is not None
    if limit is None:
        detail = "Limit must be set for non overcommitable resources"
        return [required(f"{field}.limits", detail)] if fixed else []
    if fixed and _amount(amount) != _amount(limit):
        return [invalid(f"{field}.requests", amount, f"must be equal to {name} limit of {limit}")]
    if _amount(amount) > _amount(limit):
        return [
            invalid(f"{field}.requests", amount, f"must be less than or equal to {name} limit of {limit}")
        ]
    return []


def _lifecycle(one: Json, where: str) -> list[Cause]:
    causes: list[Cause] = []
    for name in ("postStart", "preStop"):
        handler = (one.get("lifecycle") or {}).get(name)
        if handler is not None:
            causes += _handler(handler, f"{where}.lifecycle.{name}")
    return causes


def _probes(one: Json, where: str) -> list[Cause]:
    causes: list[Cause] = []
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = one.get(name)
        if probe is None:
            continue
        causes += _probe(probe, f"{where}.{name}")
        if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
            causes.append(invalid(f"{where}.{name}.successThreshold", probe["successThreshold"], "must be 1"))
    return causes


def _probe(probe: Json, field: str) -> list[Cause]:
    causes = _handler(probe, field)
    numbers = (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    )
    for name in numbers:
        causes += not_negative(probe.get(name), f"{field}.{name}")
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        causes.append(invalid(f"{field}.terminationGracePeriodSeconds", grace, "must be greater than 0"))
    return causes


def _handler(handler: Json, field: str) -> list[Cause]:
    found = [name for name in _HANDLERS if handler.get(name) is not None]
    if not found:
        return [required(field, "must specify a handler type")]
    causes = [forbidden(f"{field}.{name}", "may not specify more than 1 handler type") for name in found[1:]]
    first = handler[found[0]]
    where = f"{field}.{found[0]}"
    match found[0]:
        case "exec":
            if not first.get("command"):
                causes.insert(0, required(f"{where}.command"))
        case "httpGet":
            causes = _http_get(first, where) + causes
        case "tcpSocket":
            causes = forms.port(first.get("port", 0), f"{where}.port") + causes
        case "grpc":
            causes = (
                each(f"{where}.port", first.get("port", 0), forms.port_number(first.get("port", 0))) + causes
            )
    return causes


def _http_get(action: Json, where: str) -> list[Cause]:
    causes = forms.port(action.get("port", 0), f"{where}.port")
    if action.get("scheme") not in {"HTTP", "HTTPS"}:
        causes.append(unsupported(f"{where}.scheme", action.get("scheme", ""), ("HTTP", "HTTPS")))
    return causes


def _init(one: Json, where: str) -> list[Cause]:
    if one.get("restartPolicy") == "Always":
        return _lifecycle(one, where) + _probes(one, where)
    detail = "may not be set for init containers without restartPolicy=Always"
    names = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
    return [forbidden(f"{where}.{name}", detail) for name in names if one.get(name) is not None]
