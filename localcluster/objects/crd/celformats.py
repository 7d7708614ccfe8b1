"""Kubernetes' CEL functions for named formats.

What the genuine server calls a format is a map with its name; an optional of it is that map, or an empty
one; an optional list of complaints is the list, empty where there are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cel_expr_python import cel

from localcluster.objects import forms
from localcluster.objects.crd.celdeclare import function, member
from localcluster.objects.crd.formats import accepts

_STRING, _BOOL, _MAP = cel.Type.STRING, cel.Type.BOOL, cel.Type.MAP
_LIST = cel.Type.List(_STRING)
_RFC_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_RFC_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character"
)
Check = Callable[[str], list[str]]


def _rfc_1035(text: str) -> list[str]:
    found = [] if len(text) <= 63 else ["must be no more than 63 characters"]
    if re.fullmatch(_RFC_1035, text, re.ASCII) is None:
        found.append(forms.regex_text(_RFC_1035_TEXT, _RFC_1035, "my-name", "abc-123"))
    return found


def _prefix(check: Check) -> Check:
    """For names that something will be appended to."""
    return lambda text: check(f"{text[:-1]}a" if text.endswith("-") else text)


def _accepting(form: str, complaint: str) -> Check:
    return lambda text: [] if accepts(form, text) else [complaint]


_CHECKS: dict[str, Check] = {
    "dns1123Label": forms.dns_label,
    "dns1123Subdomain": forms.dns_subdomain,
    "dns1035Label": _rfc_1035,
    "qualifiedName": forms.qualified_name,
    "dns1123LabelPrefix": _prefix(forms.dns_label),
    "dns1123SubdomainPrefix": _prefix(forms.dns_subdomain),
    "dns1035LabelPrefix": _prefix(_rfc_1035),
    "labelValue": forms.label_value,
    "uri": _accepting("uri", "invalid URI"),
    "uuid": _accepting("uuid", "does not match the UUID format"),
    "byte": _accepting("byte", "invalid base64"),
    "date": _accepting("date", "invalid date"),
    "datetime": _accepting("datetime", "invalid datetime"),
}


def functions() -> list[Any]:
    named = [function(f"format.{name}", [], _MAP, lambda chosen=name: {"format": chosen}) for name in _CHECKS]
    return [
        *named,
        function("format.named", [_STRING], _MAP, lambda name: {"format": name} if name in _CHECKS else {}),
        member("validate", [_MAP, _STRING], _LIST, lambda form, text: _CHECKS[form["format"]](text)),
        member("hasValue", [_MAP], _BOOL, bool),
        member("value", [_MAP], _MAP, _present),
        member("hasValue", [_LIST], _BOOL, lambda found: len(found) > 0),
        member("value", [_LIST], _LIST, _present),
    ]


def _present(found: Any) -> Any:
    if not found:
        raise ValueError("optional.none() dereference")
    return found
