"""Defaults of webhook configurations and admission policies."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_ADMISSION = "io.k8s.api.admissionregistration.v1."
_HTTPS = 443


def _webhook(value: Json) -> None:
    value.setdefault("failurePolicy", "Fail")
    _match(value)
    value.setdefault("timeoutSeconds", 10)


def _mutating_webhook(value: Json) -> None:
    _webhook(value)
    value.setdefault("reinvocationPolicy", "Never")


def _rule(value: Json) -> None:
    value.setdefault("scope", "*")


def _service(value: Json) -> None:
    value.setdefault("port", _HTTPS)


def _policy_spec(value: Json) -> None:
    value.setdefault("failurePolicy", "Fail")


def _match(value: Json) -> None:
    value.setdefault("matchPolicy", "Equivalent")
    value.setdefault("namespaceSelector", {})
    value.setdefault("objectSelector", {})


RULES = {
    _ADMISSION + "ValidatingWebhook": _webhook,
    _ADMISSION + "MutatingWebhook": _mutating_webhook,
    _ADMISSION + "RuleWithOperations": _rule,
    _ADMISSION + "NamedRuleWithOperations": _rule,
    _ADMISSION + "ServiceReference": _service,
    _ADMISSION + "ValidatingAdmissionPolicySpec": _policy_spec,
    _ADMISSION + "MutatingAdmissionPolicySpec": _policy_spec,
    _ADMISSION + "MatchResources": _match,
}
