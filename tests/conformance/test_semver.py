"""Version ranges against the answers recorded from Go's Masterminds/semver."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.logic.semver import InvalidRange, InvalidVersion, Range, Version

CASES = Path(__file__).parents[3] / "shared" / "conformance" / "semver" / "cases.json"

if not CASES.exists():
    pytest.skip("no recorded semver cases beside the checkout", allow_module_level=True)

RECORDED: list[dict[str, Any]] = json.loads(CASES.read_text())


def answer(constraint: str, version: str) -> bool | str:
    try:
        return Range.parse(constraint).contains(Version.parse(version))
    except (InvalidRange, InvalidVersion):
        return "error"


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: repr(case["constraint"]))
def test_answers_as_masterminds_does(case: dict[str, Any]) -> None:
    ours = {version: answer(case["constraint"], version) for version in case["versions"]}

    assert ours == case["versions"]
