"""Ingresses, ingress classes and network policies."""

from __future__ import annotations

import ipaddress
from typing import Any

from localcluster.objects import forms
from localcluster.objects.causes import Cause, forbidden, invalid, required, unsupported
from localcluster.objects.forms import each
from localcluster.objects.validation import selectors

Json = dict[str, Any]

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_BAD_SUFFIXES = ("/..", "/.")


def ingress(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes: list[Cause] = []
    rules, backend = spec.get("rules") or [], spec.get("defaultBackend")
    if not rules and backend is None:
        detail = "either `defaultBackend` or `rules` must be specified"
        causes.append(Cause("FieldValueInvalid", f"Invalid value: null: {detail}", "spec"))
    if backend is not None:
        causes += _backend(backend, "spec.defaultBackend")
    for at, rule in enumerate(rules):
        causes += _rule(rule, f"spec.rules[{at}]")
    for at, tls in enumerate(spec.get("tls") or ()):
        for index, host in enumerate(tls.get("hosts") or ()):
            causes += _host(host, f"spec.tls[{at}].hosts[{index}]")
        if name := tls.get("secretName"):
            causes += each(f"spec.tls[{at}].secretName", name, forms.dns_subdomain(name))
    if name := spec.get("ingressClassName"):
        causes += each("spec.ingressClassName", name, forms.dns_subdomain(name))
    return causes


def _host(host: str, field: str) -> list[Cause]:
    plain = host.removeprefix("*.")
    if host.startswith("*") and plain == host:
        text = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain"
        return [invalid(field, host, text)]
    return each(field, host, forms.dns_subdomain(plain))


def _rule(rule: Json, field: str) -> list[Cause]:
    causes: list[Cause] = []
    if host := rule.get("host"):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            causes += _host(host, f"{field}.host")
        else:
            causes.append(invalid(f"{field}.host", host, "must be a DNS name, not an IP address"))
    http = rule.get("http")
    if http is not None:
        paths = http.get("paths") or []
        if not paths:
            causes.append(required(f"{field}.http.paths"))
        for at, path in enumerate(paths):
            causes += _path(path, f"{field}.http.paths[{at}]")
    return causes


def _path(path: Json, field: str) -> list[Cause]:
    kind, text = path.get("pathType"), path.get("path", "")
    if kind is None:
        return [required(f"{field}.pathType", "pathType must be specified")]
    causes: list[Cause] = []
    if kind not in _PATH_TYPES:
        causes.append(unsupported(f"{field}.pathType", kind, _PATH_TYPES))
    elif kind == "ImplementationSpecific":
        if text and not text.startswith("/"):
            causes.append(invalid(f"{field}.path", text, "must be an absolute path"))
    else:
        if not text.startswith("/"):
            causes.append(invalid(f"{field}.path", text, "must be an absolute path"))
        if text:
            causes += [
                invalid(f"{field}.path", text, f"must not contain '{bad}'")
                for bad in _BAD_SEQUENCES
                if bad in text
            ]
            causes += [
                invalid(f"{field}.path", text, f"cannot end with '{bad}'")
                for bad in _BAD_SUFFIXES
                if text.endswith(bad)
            ]
    return causes + _backend(path.get("backend") or {}, f"{field}.backend")


def _backend(backend: Json, field: str) -> list[Cause]:
    service, resource = backend.get("service"), backend.get("resource")
    if resource is not None and service is not None:
        return [invalid(field, "", "cannot set both resource and service backends")]
    if resource is not None:
        causes = [] if resource.get("kind") else [required(f"{field}.resource.kind")]
        return causes + ([] if resource.get("name") else [required(f"{field}.resource.name")])
    if service is None or not (service.get("name") or service.get("port")):
        return (
            [required(field, "resource or service backend is required")]
            if service is None
            else _service({}, field)
        )
    return _service(service, field)


def _service(service: Json, field: str) -> list[Cause]:
    causes: list[Cause] = []
    name, port = service.get("name", ""), service.get("port") or {}
    if not name:
        causes.append(required(f"{field}.service.name"))
    else:
        causes += each(f"{field}.service.name", name, forms.dns_label(name))
    number, text = port.get("number", 0), port.get("name", "")
    if not number and not text:
        causes.append(required(field, "port name or number is required"))
    elif number and text:
        causes.append(invalid(field, "", "cannot set both port name & port number"))
    elif number:
        causes += each(f"{field}.service.port.number", number, forms.port_number(number))
    else:
        causes += each(f"{field}.service.port.name", text, forms.port_name(text))
    return causes


def ingress_class(obj: Json) -> list[Cause]:
    controller = obj["spec"].get("controller", "")
    field = "spec.controller"
    if not controller:
        return []
    if len(controller) > 250:
        return [Cause("FieldValueTooLong", "Too long: may not be more than 250 bytes", field)]
    domain, slash, path = controller.partition("/")
    if not slash or not path:
        detail = 'must be a domain-prefixed path (such as "acme.io/foo")'
        return [invalid(field, controller, detail)]
    return each(field, domain, forms.dns_subdomain(domain))


def ingress_class_update(new: Json, old: Json) -> list[Cause]:
    value = new["spec"].get("controller", "")
    if value == old["spec"].get("controller", ""):
        return []
    return [invalid("spec.controller", value, "field is immutable")]


def network_policy(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes = selectors.label_selector(spec.get("podSelector"), "spec.podSelector")
    for kind, peers in (("ingress", "from"), ("egress", "to")):
        for at, rule in enumerate(spec.get(kind) or ()):
            where = f"spec.{kind}[{at}]"
            for index, port in enumerate(rule.get("ports") or ()):
                causes += _policy_port(port, f"{where}.ports[{index}]")
            for index, peer in enumerate(rule.get(peers) or ()):
                causes += _peer(peer, f"{where}.{peers}[{index}]")
    types = spec.get("policyTypes") or []
    if len(types) > 2:
        causes.append(invalid("spec.policyTypes", types, "may not specify more than two policyTypes"))
        return causes
    causes += [
        unsupported(f"spec.policyTypes[{at}]", one, ("Ingress", "Egress"))
        for at, one in enumerate(types)
        if one not in {"Ingress", "Egress"}
    ]
    return causes


def _policy_port(port: Json, field: str) -> list[Cause]:
    causes: list[Cause] = []
    protocols = ("TCP", "UDP", "SCTP")
    if port.get("protocol") is not None and port["protocol"] not in protocols:
        causes.append(unsupported(f"{field}.protocol", port["protocol"], protocols))
    number, end = port.get("port"), port.get("endPort")
    where = f"{field}.endPort"
    if number is None:
        if end is not None:
            causes.append(invalid(where, end, "may not be specified when `port` is not specified"))
        return causes
    if isinstance(number, str) and end is not None:
        causes.append(invalid(where, end, "may not be specified when `port` is non-numeric"))
    causes += forms.port(number, f"{field}.port")
    if isinstance(number, int) and end is not None:
        if end < number:
            causes.append(invalid(where, number, "must be greater than or equal to `port`"))
        causes += each(where, end, forms.port_number(end))
    return causes


def _peer(peer: Json, field: str) -> list[Cause]:
    causes: list[Cause] = []
    for name in ("podSelector", "namespaceSelector"):
        causes += selectors.label_selector(peer.get(name), f"{field}.{name}")
    block = peer.get("ipBlock")
    count = sum(peer.get(name) is not None for name in ("podSelector", "namespaceSelector"))
    if block is not None:
        causes += _block(block, f"{field}.ipBlock")
    if not count and block is None:
        causes.append(required(field, "must specify a peer"))
    elif count and block is not None:
        causes.append(forbidden(field, "may not specify both ipBlock and another peer"))
    return causes


def _block(block: Json, field: str) -> list[Cause]:
    text = block.get("cidr", "")
    if not text:
        return [required(f"{field}.cidr")]
    try:
        outer = ipaddress.ip_network(text, strict=False)
    except ValueError:
        detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        return [invalid(f"{field}.cidr", text, detail)]
    causes: list[Cause] = []
    for at, one in enumerate(block.get("except") or ()):
        where = f"{field}.except[{at}]"
        try:
            inner = ipaddress.ip_network(one, strict=False)
        except ValueError:
            detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            causes.append(invalid(where, one, detail))
            continue
        inside = inner.version == outer.version and inner != outer and inner.subnet_of(outer)  # type: ignore[arg-type] # same version
        if not inside:
            causes.append(invalid(where, one, "must be a strict subset of `cidr`"))
    return causes
