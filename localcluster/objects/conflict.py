"""Apply conflicts: who else owns the fields, told as the genuine server tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcluster.objects.fieldset import FieldSet, path_text, paths

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, order=True)
class ManagerId:
    """What tells one entry of managedFields from another. An applier is one whatever version it applies."""

    manager: str
    operation: str
    api_version: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        text = '"' + self.manager.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return text if self.operation == "Apply" else f"{text} using {self.api_version}"


@dataclass(frozen=True, slots=True)
class ConflictCause:
    """One cause of an apply conflict, as `details.causes` holds it."""

    message: str
    field: str
    reason: str = "FieldManagerConflict"


class ApplyConflict(Exception):
    """Fields are owned by others with other values: 409 Conflict with `causes`."""

    def __init__(self, fields: Mapping[ManagerId, FieldSet]) -> None:
        self.fields = dict(sorted(fields.items()))
        found = [(str(who), path_text(path)) for who, owned in self.fields.items() for path in paths(owned)]
        self.causes = [ConflictCause(f"conflict with {who}", path) for who, path in found]
        super().__init__(_message(found))


def _message(found: list[tuple[str, str]]) -> str:
    if len(found) == 1:
        return f"Apply failed with 1 conflict: conflict with {found[0][0]}: {found[0][1]}"
    lines: list[str] = []
    for who in sorted({who for who, _ in found}):
        lines.append(f"conflicts with {who}:")
        lines += [f"- {path}" for owner, path in found if owner == who]
    return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)
