"""Which schemas are used, and how their verdicts read."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.charts.errors import InvalidValues
from shared.charts.values_schema import readable, require_self_contained

OWN = "https://example.com/schema.json"


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({}, id="nothing"),
        pytest.param(True, id="a boolean"),
        pytest.param({"$schema": "http://json-schema.org/draft-07/schema#"}, id="a published dialect"),
        pytest.param({"$schema": "https://json-schema.org/draft/2020-12/schema"}, id="a newer dialect"),
        pytest.param({"$ref": "#/$defs/a", "$defs": {"a": {}}}, id="a definition"),
        pytest.param({"$id": OWN, "$ref": f"{OWN}#/$defs/a"}, id="itself by its name"),
        pytest.param(
            {"$id": OWN, "$ref": "other.json", "$defs": {"a": {"$id": "other.json"}}}, id="a part by name"
        ),
        pytest.param({"properties": {"$ref": {"type": "string"}}}, id="a property called $ref"),
    ],
)
def test_schemas_that_stand_alone(schema: Any) -> None:
    require_self_contained(json.dumps(schema).encode(), "values.schema.json")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        pytest.param({"$ref": "https://169.254.169.254/latest"}, "refers to https://169", id="a URL"),
        pytest.param(
            {"allOf": [{"$ref": "http://localhost/x#/a"}]}, "refers to http://localhost/x", id="deep inside"
        ),
        pytest.param({"$ref": "file:///etc/passwd"}, "refers to file:", id="a file"),
        pytest.param(
            {"$id": "file:///x", "$ref": "file:///x"}, "refers to file:", id="a file that is claimed"
        ),
        pytest.param(
            {"$ref": "file://json-schema.org/etc/passwd"}, "refers to file:", id="a file of a known host"
        ),
        pytest.param({"$ref": "../../etc/passwd"}, r"refers to \.\.", id="a relative path"),
        pytest.param(
            {"$id": OWN, "$ref": "other.json"}, "refers to https://example.com/other.json", id="a sibling"
        ),
        pytest.param({"$schema": "https://example.com/dialect"}, "refers to", id="a dialect of its own"),
        pytest.param({"$dynamicRef": "https://example.com/x"}, "refers to", id="a dynamic reference"),
        pytest.param({"$ref": "http://[::1"}, "refers to", id="a broken URL"),
    ],
)
def test_schemas_that_need_others(schema: Any, message: str) -> None:
    with pytest.raises(InvalidValues, match=message):
        require_self_contained(json.dumps(schema).encode(), "values.schema.json")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        pytest.param(b"{", "charts/a/values.schema.json is not JSON", id="no JSON"),
        pytest.param(b'{"a":' * 300 + b"1" + b"}" * 300, "nested more than 200 deep", id="too deep"),
        pytest.param(b"[" * 100_000, "not JSON", id="far too deep"),
    ],
)
def test_what_is_no_schema(schema: bytes, message: str) -> None:
    with pytest.raises(InvalidValues, match=message):
        require_self_contained(schema, "charts/a/values.schema.json")


_schemas = st.recursive(
    st.text() | st.none(), lambda inner: st.dictionaries(st.sampled_from(["$id", "$ref", "id", "a"]), inner)
)


@given(_schemas)
def test_only_a_reference_is_a_reason_to_refuse(schema: Any) -> None:
    raw = json.dumps(schema)
    with contextlib.suppress(InvalidValues) if "$ref" in raw else contextlib.nullcontext():
        require_self_contained(raw.encode(), "values.schema.json")


VERDICT = """\
values don't meet the specifications of the schema(s) in the following chart(s):
web:
- at '': missing property 'z'
- at '/a/0/b.c': got number, want string
- at '/d~1e': 'allOf' failed
  - at '/d~1e/type': value must be one of 'array', 'boolean'
- at '/password': 'hunter2' does not match pattern '^[a-z]+$'
part:
- at '/replicas': got string, want integer
"""


def test_a_verdict_names_paths_of_values_and_no_values() -> None:
    text = readable(VERDICT)
    assert text == (
        "values don't meet the specifications of the schema(s) in the following chart(s): "
        "web: values: missing property 'z'; "
        'values.a[0]["b.c"]: got number, want string; '
        "values[\"d/e\"]: 'allOf' failed; "
        "values[\"d/e\"].type: value must be one of 'array', 'boolean'; "
        "values.password: the value does not match pattern '^[a-z]+$'; "
        "part: values.replicas: got string, want integer"
    )
