"""Which objects a status selector lets through (specs/cli.md 3.3)."""

from __future__ import annotations

import pytest

from cli.problems import CliError
from cli.selection import Selection, StatusSelector

READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
FAILED = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
NEW: dict[str, object] = {}


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("Ready=True", [READY]),
        ("ready=TRUE", [READY]),
        ("Ready=False", [FAILED]),
        ("ready!=true", [FAILED, NEW]),
        ("Stalled!=True", [READY, FAILED, NEW]),
    ],
)
def test_conditions(text: str, accepted: list[object]) -> None:
    selector = StatusSelector.parse(text)
    assert [obj for obj in (READY, FAILED, NEW) if selector.accepts(obj)] == accepted


@pytest.mark.parametrize("text", ["ready", "=True", "ready=", "a=b=c", "!="])
def test_no_selector(text: str) -> None:
    with pytest.raises(CliError, match="expected status selector in type=status or type!=status format"):
        StatusSelector.parse(text)


@pytest.mark.parametrize(
    ("namespace", "name", "text"),
    [
        ("apps", "", 'no Kustomization objects found in "apps" namespace'),
        ("apps", "web", "Kustomization object 'web' not found in \"apps\" namespace"),
        ("", "web", "Kustomization object 'web' not found in any namespace"),
    ],
)
def test_nothing_found(namespace: str, name: str, text: str) -> None:
    assert Selection(namespace, name, "", None).nothing_found("Kustomization").message == text
