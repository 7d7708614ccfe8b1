"""Every recorded input is read and written as Go's sigs.k8s.io/yaml does it."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.logic.go_yaml import YamlError, read_document, write

_CASES = Path(__file__).parents[3] / "shared" / "conformance" / "yaml" / "cases.json"
if not _CASES.exists():
    pytest.skip("the conformance data are not here", allow_module_level=True)

CASES = json.loads(_CASES.read_text("utf-8"))


def case_id(case: dict[str, Any]) -> str:
    return str(case["name"]).encode("unicode_escape").decode() or "nothing"


@pytest.mark.parametrize("case", [case for case in CASES if "error" in case], ids=case_id)
def test_refused_where_go_refuses(case: dict[str, Any]) -> None:
    with pytest.raises(YamlError):
        read_document(case["yaml"])


@pytest.mark.parametrize("case", [case for case in CASES if "error" not in case], ids=case_id)
def test_read_and_written_as_go_does(case: dict[str, Any]) -> None:
    value = read_document(case["yaml"])
    expected = json.loads(case["json"])
    assert rounded(value) == rounded(expected)
    # Go's writer was given every number as a double here, and spells the very large ones so.
    assert write(rounded(expected)) == case["written"]


def rounded(value: Any) -> Any:
    """Integers beyond a double's precision as Go's JSON reader rounds them."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, int) and abs(value) > 2**53:
        return float(value)
    return value
