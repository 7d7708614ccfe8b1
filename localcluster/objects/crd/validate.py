"""What is wrong with a custom resource, metadata apart."""

from __future__ import annotations

from typing import Any

from localcluster.objects.causes import Cause
from localcluster.objects.crd.check import check_lists, check_schema
from localcluster.objects.crd.compile import CompiledVersion
from localcluster.objects.crd.embedded import check_embedded
from localcluster.objects.crd.rules import check_rules
from localcluster.objects.typed import MISSING

Json = dict[str, Any]

_BLOCKING = {"FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"}
_NOT_CHECKED = (
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


def validate_custom(
    new: Json, old: Json | None, version: CompiledVersion, *, subresource: str = ""
) -> list[Cause]:
    """The causes, in the server's order: schema, lists, CEL rules. `old` is None on create.

    Through the status subresource only status is looked at.
    """
    schema = version.structural
    if subresource == "status":
        inner = (schema.get("properties") or {}).get("status", {})
        before = MISSING if old is None or "status" not in old else old["status"]
        status = new.get("status", MISSING)
        causes = [] if status is MISSING else check_schema(status, inner, before, path="status")
    else:
        causes = check_schema(new, schema, MISSING if old is None else old)
    causes += check_embedded(new, schema)
    causes += check_lists(new, schema)
    if version.rules.empty:
        return causes
    if any(cause.reason in _BLOCKING for cause in causes):
        return [*causes, Cause("FieldValueInvalid", _NOT_CHECKED, "<nil>")]
    return causes + check_rules(new, old, version.rules)
