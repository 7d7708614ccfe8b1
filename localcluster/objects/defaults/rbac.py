"""Defaults of role bindings."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_RBAC = "io.k8s.api.rbac.v1."
_GROUP = "rbac.authorization.k8s.io"


def _binding(value: Json) -> None:
    if not value["roleRef"].get("apiGroup"):
        value["roleRef"]["apiGroup"] = _GROUP


def _subject(value: Json) -> None:
    if value.get("kind") in {"User", "Group"}:
        value.setdefault("apiGroup", _GROUP)


RULES = {
    _RBAC + "RoleBinding": _binding,
    _RBAC + "ClusterRoleBinding": _binding,
    _RBAC + "Subject": _subject,
}
