"""Webhook configurations."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from localcluster.objects import forms
from localcluster.objects.causes import Cause, duplicate, invalid, required, unsupported
from localcluster.objects.forms import each
from localcluster.objects.validation import selectors

Json = dict[str, Any]

_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_REVIEW_VERSIONS = ("v1", "v1beta1")


def webhooks(obj: Json) -> list[Cause]:
    """A validating or mutating webhook configuration."""
    causes: list[Cause] = []
    names: set[str] = set()
    for at, hook in enumerate(obj.get("webhooks") or ()):
        field = f"webhooks[{at}]"
        causes += _hook(hook, field)
        causes += _review_versions(
            hook.get("admissionReviewVersions") or [], f"{field}.admissionReviewVersions"
        )
        name = hook.get("name", "")
        if name and name in names:
            causes.append(duplicate(f"{field}.name", name))
        names.add(name)
    return causes


def _hook(hook: Json, field: str) -> list[Cause]:
    causes = _name(hook.get("name", ""), f"{field}.name")
    for at, rule in enumerate(hook.get("rules") or ()):
        causes += _rule(rule, f"{field}.rules[{at}]")
    for name, known in (("failurePolicy", ("Fail", "Ignore")), ("matchPolicy", ("Equivalent", "Exact"))):
        value = hook.get(name)
        if value is not None and value not in known:
            causes.append(unsupported(f"{field}.{name}", value, known))
    effects = hook.get("sideEffects")
    if effects is None:
        causes.append(required(f"{field}.sideEffects", f"must specify one of {', '.join(_SIDE_EFFECTS)}"))
    elif effects not in _SIDE_EFFECTS:
        causes.append(unsupported(f"{field}.sideEffects", effects, _SIDE_EFFECTS))
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        detail = "the timeout value must be between 1 and 30 seconds"
        causes.append(invalid(f"{field}.timeoutSeconds", seconds, detail))
    for name in ("namespaceSelector", "objectSelector"):
        causes += selectors.label_selector(hook.get(name), f"{field}.{name}")
    return causes + _client(hook.get("clientConfig") or {}, f"{field}.clientConfig")


def _name(name: str, field: str) -> list[Cause]:
    if not name:
        return [required(field)]
    if wrong := forms.dns_subdomain(name):
        return [invalid(field, name, ",".join(wrong))]
    if name.count(".") < 2:
        return [invalid(field, name, "should be a domain with at least three segments separated by dots")]
    return []


def _rule(rule: Json, field: str) -> list[Cause]:
    operations = rule.get("operations") or []
    causes = [] if operations else [required(f"{field}.operations")]
    if len(operations) > 1 and "*" in operations:
        detail = "if '*' is present, must not specify other operations"
        causes.append(invalid(f"{field}.operations", operations, detail))
    causes += [
        unsupported(f"{field}.operations[{at}]", one, _OPERATIONS)
        for at, one in enumerate(operations)
        if one not in _OPERATIONS
    ]
    for name, words in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        values = rule.get(name) or []
        if not values:
            causes.append(required(f"{field}.{name}"))
        elif len(values) > 1 and "*" in values:
            detail = f"if '*' is present, must not specify other {words}"
            causes.append(invalid(f"{field}.{name}", values, detail))
    if not rule.get("resources"):
        causes.append(required(f"{field}.resources"))
    scope = rule.get("scope")
    known = ("*", "Cluster", "Namespaced")
    if scope is not None and scope not in known:
        causes.append(unsupported(f"{field}.scope", scope, known))
    return causes


def _client(config: Json, field: str) -> list[Cause]:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [required(field, "exactly one of url or service is required")]
    if url is not None:
        parts = urlsplit(url)
        if parts.scheme != "https":
            detail = "'https' is the only allowed URL scheme; desired format: https://host[/path]"
            return [invalid(f"{field}.url", url, detail)]
        if not parts.netloc:
            return [
                invalid(f"{field}.url", "", "host must be specified; desired format: https://host[/path]")
            ]
        return []
    assert service is not None
    causes = [
        required(f"{field}.service.{name}", f"service {name} is required")
        for name in ("name", "namespace")
        if not service.get(name)
    ]
    port = service.get("port", 443)
    wrong = forms.port_number(port)
    return causes + [invalid(f"{field}.service.port", port, f"port is not valid: {one}") for one in wrong]


def _review_versions(versions: list[str], field: str) -> list[Cause]:
    listed = ", ".join(_REVIEW_VERSIONS)
    if not versions:
        return [required(field, f"must specify one of {listed}")]
    causes: list[Cause] = []
    for at, one in enumerate(versions):
        if one in versions[:at]:
            causes.append(invalid(f"{field}[{at}]", one, "duplicate version"))
        else:
            causes += each(f"{field}[{at}]", one, forms.dns_label(one))
    if not set(versions) & set(_REVIEW_VERSIONS):
        causes.append(invalid(field, versions, f"must include at least one of {listed}"))
    return causes
