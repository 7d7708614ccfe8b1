"""Every recorded input builds to the bytes that genuine kustomize printed, or is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.kustomize.build import build
from shared.kustomize.errors import BuildError
from shared.kustomize.options import LoadRestrictions, Options

_CASES = Path(__file__).parents[3] / "shared" / "conformance" / "kustomize" / "cases"
if not _CASES.exists():
    pytest.skip("the conformance data are not here", allow_module_level=True)

CASES = [json.loads(file.read_text("utf-8")) for file in sorted(_CASES.glob("*/case.json"))]


def built(case: dict[str, Any]) -> str:
    restrictions = case["options"].get("LoadRestrictions", "LoadRestrictionsRootOnly")
    root = _CASES / case["name"] / "input" / case["root"]
    return build("/", str(root.resolve()), Options(load_restrictions=LoadRestrictions(restrictions))).yaml()


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case["expect_error"]], ids=lambda case: case["name"]
)
def test_the_same_bytes(case: dict[str, Any]) -> None:
    expected = (_CASES / case["name"] / "expected.yaml").read_text("utf-8")
    assert built(case) == expected


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["expect_error"]], ids=lambda case: case["name"]
)
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(BuildError) as refusal:
        built(case)
    assert "\n" not in str(refusal.value)
