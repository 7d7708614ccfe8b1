"""Custom resources: pruned, defaulted, validated, and their definitions checked."""

import time

import pytest

from localcluster.objects.causes import message_of
from localcluster.objects.crd.compile import compile_crd
from localcluster.objects.crd.prune import decode_custom
from localcluster.objects.crd.structural import validate_crd, validate_crd_update
from localcluster.objects.crd.validate import validate_custom
from localcluster.objects.decode import NotDecodable, StrictDecodingError


def crd(schema, **version):
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    **version,
                }
            ],
        },
        "status": {"storedVersions": ["v1"]},
    }


def of_spec(**properties):
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}


def compiled(schema):
    return compile_crd(crd(schema)).versions["v1"]


def thing(spec, **rest):
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": spec, **rest}


def wrong(schema, spec, old=None):
    causes = validate_custom(thing(spec), None if old is None else thing(old), compiled(schema))
    return message_of(causes) if causes else ""


MESSAGES = {
    "type": (
        {"type": "integer"},
        "1",
        'Invalid value: "string": spec.x in body must be of type integer: "string"',
    ),
    "enum": (
        {"type": "string", "enum": ["a", "b"]},
        "c",
        'Unsupported value: "c": supported values: "a", "b"',
    ),
    "pattern": (
        {"type": "string", "pattern": "^[A-Z]+$"},
        "a",
        "Invalid value: \"a\": spec.x in body should match '^[A-Z]+$'",
    ),
    "too long": ({"type": "string", "maxLength": 2}, "abc", "Too long: may not be more than 2 bytes"),
    "too short": (
        {"type": "string", "minLength": 2},
        "a",
        'Invalid value: "a": spec.x in body should be at least 2 chars long',
    ),
    "maximum": (
        {"type": "integer", "maximum": 3},
        4,
        "Invalid value: 4: spec.x in body should be less than or equal to 3",
    ),
    "exclusive": (
        {"type": "integer", "minimum": 3, "exclusiveMinimum": True},
        3,
        "Invalid value: 3: spec.x in body should be greater than 3",
    ),
    "multiple": (
        {"type": "number", "multipleOf": 0.5},
        0.75,
        "Invalid value: 0.75: spec.x in body should be a multiple of 0.5",
    ),
    "too many": (
        {"type": "array", "maxItems": 1, "items": {"type": "string"}},
        ["a", "b"],
        "Too many: 2: must have at most 1 item",
    ),
    "format": (
        {"type": "string", "format": "uuid"},
        "x",
        'Invalid value: "x": spec.x in body must be of type uuid: "x"',
    ),
    "int or string": (
        {"x-kubernetes-int-or-string": True},
        8.5,
        'Invalid value: "number": spec.x in body must be of type integer,string: "number"',
    ),
    "a 32 bit number fits": ({"type": "integer", "format": "int32"}, 5, ""),
    "an unknown format": ({"type": "string", "format": "colour"}, "red", ""),
    "a whole float is an integer": ({"type": "integer"}, 3.0, ""),
}


@pytest.mark.parametrize(("schema", "value", "wanted"), MESSAGES.values(), ids=MESSAGES.keys())
def test_values_are_checked_in_the_servers_words(schema, value, wanted):
    found = wrong(of_spec(x=schema), {"x": value})
    assert found == (f"spec.x: {wanted}" if wanted else "")


def test_repeated_keys_and_values_of_lists_are_found():
    schema = of_spec(
        ports={
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["n"],
            "items": {"type": "object", "properties": {"n": {"type": "integer"}}},
        },
        tags={"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
    )
    assert wrong(schema, {"ports": [{"n": 1}, {"n": 1}], "tags": ["a", "a"]}) == (
        '[spec.ports[1]: Duplicate value: {"n":1}, spec.tags[1]: Duplicate value: "a"]'
    )


def test_an_old_value_may_stay_though_the_schema_got_stricter():
    schema = of_spec(mode={"type": "string", "enum": ["fast"]}, size={"type": "integer"})
    assert wrong(schema, {"mode": "odd", "size": 2}, {"mode": "odd", "size": 1}) == ""
    assert wrong(schema, {"mode": "odder"}, {"mode": "odd"}) != ""


def test_unknown_fields_are_pruned_told_and_kept_where_the_schema_says_so():
    schema = of_spec(
        known={"type": "integer"},
        free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    )
    obj = thing({"known": 1, "extra": 1, "free": {"x": {"y": 1}}}, top=1)
    obj["metadata"]["surprise"] = 1
    found = decode_custom(obj, compiled(schema).schema)
    assert found.obj == thing({"known": 1, "free": {"x": {"y": 1}}})
    assert found.warnings == (
        'unknown field "metadata.surprise"',
        'unknown field "spec.extra"',
        'unknown field "top"',
    )
    with pytest.raises(StrictDecodingError, match=r'unknown field "spec.extra", unknown field "top"'):
        decode_custom(obj, compiled(schema).schema, (), "Strict")
    assert obj["spec"]["extra"] == 1


def test_an_embedded_object_keeps_its_metadata_and_must_be_an_object():
    embedded = {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "properties": {"spec": {"type": "object"}},
    }
    schema = of_spec(template=embedded)
    inner = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {}}
    kept = decode_custom(thing({"template": {**inner, "extra": 1}}), compiled(schema).schema)
    assert kept.obj["spec"]["template"] == inner
    assert wrong(schema, {"template": inner}) == ""
    assert wrong(schema, {"template": {"kind": ""}}) == (
        '[spec.template.apiVersion: Required value, spec.template.kind: Invalid value: "": must not be empty]'
    )


def test_metadata_must_have_its_type():
    obj = thing({})
    obj["metadata"]["labels"] = {"a": 1}
    with pytest.raises(NotDecodable):
        decode_custom(obj, compiled(of_spec()).schema)


def test_defaults_are_filled_in_below_what_is_there_and_nulls_dropped():
    schema = of_spec(
        size={"type": "integer", "default": 3},
        nested={"type": "object", "properties": {"flag": {"type": "boolean", "default": True}}},
        made={"type": "object", "default": {}, "properties": {"level": {"type": "integer", "default": 1}}},
        gone={"type": "string"},
        none={"type": "string", "nullable": True},
    )
    version = compiled(schema)
    found = decode_custom(thing({"size": None, "gone": None, "none": None}), version.schema).obj
    assert found["spec"] == {"size": 3, "made": {"level": 1}, "none": None}
    assert decode_custom({**thing({}), "spec": {"nested": {}}}, version.schema).obj["spec"]["nested"] == {
        "flag": True
    }
    other = decode_custom(thing({}), version.schema).obj
    other["spec"]["made"]["level"] = 9
    assert decode_custom(thing({}), version.schema).obj["spec"]["made"] == {"level": 1}


def ruled(**rule):
    schema = of_spec(a={"type": "integer"}, b={"type": "string"}, **{"x-y": {"type": "integer"}})
    schema["properties"]["spec"]["x-kubernetes-validations"] = [rule]
    return schema


RULES = {
    "message": ({"rule": "self.a < 3", "message": "too much"}, "spec: Invalid value: too much"),
    "no message": ({"rule": "self.a < 3 "}, "spec: Invalid value: failed rule: self.a < 3"),
    "computed message": (
        {"rule": "self.a < 3", "messageExpression": "'not ' + string(self.a)"},
        "spec: Invalid value: not 5",
    ),
    "reason and field": (
        {"rule": "self.a < 3", "message": "no", "reason": "FieldValueForbidden", "fieldPath": ".a"},
        "spec.a: Forbidden: no",
    ),
    "escaped names": ({"rule": "!has(self.x__dash__y)"}, ""),
    "string functions": ({"rule": "self.b.find('[0-9]+') == '12'"}, ""),
    "quantities": (
        {"rule": "quantity('1024Mi').compareTo(quantity('1Gi')) == 0 && isQuantity(self.b)"},
        "spec: Invalid value: failed rule: quantity('1024Mi').compareTo(quantity('1Gi')) == 0 && isQuantity(self.b)",
    ),
    "sets and lists": (
        {"rule": "sets.contains([1, 2, 3], [self.a - 4]) && [1, 2].isSorted() && [3, 1].min() == 1"},
        "",
    ),
    "addresses": ({"rule": "isIP('10.0.0.1') && isCIDR('10.0.0.0/8') && !isURL(self.b)"}, ""),
    "holds": ({"rule": "self.a == 5"}, ""),
}


@pytest.mark.parametrize(("rule", "wanted"), RULES.values(), ids=RULES.keys())
def test_rules(rule, wanted):
    assert wrong(ruled(**rule), {"a": 5, "b": "x12y"}) == wanted


def test_transition_rules_judge_updates_alone():
    schema = of_spec(
        a={"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "fixed"}]}
    )
    assert wrong(schema, {"a": "x"}) == ""
    assert wrong(schema, {"a": "x"}, {"a": "x"}) == ""
    assert wrong(schema, {"a": "y"}, {"a": "x"}) == 'spec.a: Invalid value: "y": fixed'
    assert wrong(schema, {}, {"a": "x"}) == ""


def test_rules_are_not_run_on_what_is_invalid_already():
    schema = ruled(rule="self.a < 3")
    assert wrong(schema, {"a": "x"}) == (
        '[spec.a: Invalid value: "string": spec.a in body must be of type integer: "string", '
        "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; "
        "correct the existing errors to complete validation]"
    )


def test_a_rule_cannot_take_forever():
    schema = of_spec(l={"type": "array", "items": {"type": "integer"}})
    schema["properties"]["spec"]["x-kubernetes-validations"] = [
        {"rule": "self.l.all(a, self.l.all(b, self.l.all(c, a + b + c >= 0)))"}
    ]
    started = time.monotonic()
    assert "cost budget" in wrong(schema, {"l": list(range(5000))})
    assert time.monotonic() - started < 1


def test_a_rule_that_cannot_be_compiled_or_fails_is_told():
    assert "rule compile error: " in wrong(ruled(rule="self.a <"), {"a": 1})
    assert wrong(ruled(rule="self.b == 'x'"), {"a": 1}) == (
        "spec: Invalid value: \"object\": no such key: b evaluating rule: self.b == 'x'"
    )


def test_an_optional_old_value_can_be_asked_for():
    rule = {"rule": "oldSelf.hasValue() ? self >= oldSelf.value() : self == 1", "optionalOldSelf": True}
    schema = of_spec(a={"type": "integer", "x-kubernetes-validations": [rule]})
    assert wrong(schema, {"a": 1}) == ""
    assert wrong(schema, {"a": 2}) != ""
    assert wrong(schema, {"a": 2}, {"a": 1}) == ""
    assert wrong(schema, {"a": 1}, {"a": 2}) != ""


def test_rules_of_all_of_count_too():
    schema = of_spec(
        a={
            "type": "integer",
            "allOf": [{"x-kubernetes-validations": [{"rule": "self > 3", "message": "few"}]}],
        }
    )
    assert wrong(schema, {"a": 1}) == "spec.a: Invalid value: 1: few"


def test_a_good_definition_has_nothing_wrong():
    assert validate_crd(crd(of_spec(x={"type": "string"}))) == []


def changed(**spec):
    found = crd({"type": "object"})
    found["spec"].update(spec)
    return found


DEFINITIONS = {
    "name": (
        changed(group="other.example.com"),
        'metadata.name: Invalid value: "things.example.com": must be spec.names.plural+"."+spec.group',
    ),
    "scope": (
        changed(scope="Planet"),
        'spec.scope: Unsupported value: "Planet": supported values: "Cluster", "Namespaced"',
    ),
    "no schema": (
        changed(versions=[{"name": "v1", "served": True, "storage": True}]),
        "spec.versions[0].schema.openAPIV3Schema: Required value",
    ),
    "no type": (
        crd(of_spec(x={"description": "?"})),
        (
            "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[x].type: Required value: "
            "must not be empty for specified object fields"
        ),
    ),
    "list map without keys": (
        crd(of_spec(x={"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object"}})),
        (
            "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[x]."
            "x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"
        ),
    ),
}


@pytest.mark.parametrize(("definition", "wanted"), DEFINITIONS.values(), ids=DEFINITIONS.keys())
def test_definitions_are_checked(definition, wanted):
    assert message_of(validate_crd(definition)) == wanted


UNFIT = {
    "a default of the wrong type": (
        of_spec(x={"type": "integer", "default": "many"}),
        ".properties[x].default",
        "FieldValueTypeInvalid",
    ),
    "a rule that is no expression": (
        ruled(rule="self.a <"),
        ".x-kubernetes-validations[0].rule",
        "FieldValueInvalid",
    ),
    "a rule on a field that is not there": (
        ruled(rule="self.nothing == 1"),
        ".x-kubernetes-validations[0].rule",
        "FieldValueInvalid",
    ),
    "a rule that could cost too much": (
        of_spec(
            x={
                "type": "object",
                "properties": {"l": {"type": "array", "items": {"type": "integer"}}},
                "x-kubernetes-validations": [{"rule": "self.l.all(a, self.l.all(b, a == b))"}],
            }
        ),
        ".properties[x].x-kubernetes-validations[0].rule",
        "FieldValueForbidden",
    ),
}


@pytest.mark.parametrize(("schema", "field", "reason"), UNFIT.values(), ids=UNFIT.keys())
def test_defaults_and_rules_are_checked_when_they_are_defined(schema, field, reason):
    (cause,) = validate_crd(crd(schema))
    assert cause.field == f"spec.versions[0].schema.openAPIV3Schema.properties[spec]{field}"
    assert cause.reason == reason


def test_of_an_established_definition_group_scope_and_kind_stay():
    old = crd({"type": "object"})
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    new = changed(scope="Cluster")
    assert (
        message_of(validate_crd_update(new, old))
        == 'spec.scope: Invalid value: "Cluster": field is immutable'
    )
