import pytest

from shared.logic import owner
from shared.logic.owner import GROUP, Owner
from shared.model.meta import Object, ObjectKey


def obj(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> Object:
    return {"metadata": {"name": "x", "labels": labels, "annotations": annotations}}


def said(key: str, value: str, field: str = "annotations") -> Object:
    return {"metadata": {"name": "x", field: {f"{GROUP}/{key}": value}}}


def test_ownership_needs_both_labels() -> None:
    us = Owner("apps", "web")
    assert us.owns(obj(us.labels))
    assert owner.owner_of(obj(us.labels)) == ObjectKey("apps", "web")
    assert not us.owns(obj(Owner("apps", "other").labels))
    assert not us.owns(obj({f"{GROUP}/name": "web"}))
    assert owner.owner_of(obj()) is None


RULES = {
    "reconcile disabled": (owner.excluded_from_apply, "reconcile", "disabled", True),
    "reconcile disabled in capitals": (owner.excluded_from_apply, "reconcile", "Disabled", True),
    "reconcile enabled": (owner.excluded_from_apply, "reconcile", "enabled", False),
    "reconcile empty": (owner.excluded_from_apply, "reconcile", "", False),
    "ssa ignore": (owner.excluded_from_apply, "ssa", "ignore", True),
    "ssa override": (owner.excluded_from_apply, "ssa", "Override", False),
    "ssa if not present": (owner.created_only, "ssa", "IfNotPresent", True),
    "ssa merge": (owner.keeps_foreign_fields, "ssa", "Merge", True),
    "force": (owner.may_be_recreated, "force", "Enabled", True),
    "prune disabled": (owner.excluded_from_prune, "prune", "disabled", True),
    "prune of an ignored object": (owner.excluded_from_prune, "ssa", "Ignore", True),
    "prune of a merged object": (owner.excluded_from_prune, "ssa", "Merge", False),
    "substitute disabled": (owner.substitution_disabled, "substitute", "disabled", True),
    "substitute in capitals": (owner.substitution_disabled, "substitute", "Disabled", False),
}


@pytest.mark.parametrize("field", ["labels", "annotations"])
@pytest.mark.parametrize(("rule", "key", "value", "expected"), RULES.values(), ids=RULES)
def test_words(rule, key: str, value: str, expected: bool, field: str) -> None:
    assert rule(said(key, value, field)) is expected


def test_decryption_can_be_declined_by_annotation_only() -> None:
    assert owner.decryption_disabled(said("decrypt", "DISABLED"))
    assert not owner.decryption_disabled(said("decrypt", "disabled", "labels"))


def test_nothing_is_said_by_an_object_that_is_not_there() -> None:
    assert not owner.excluded_from_apply(None)
    assert not owner.may_be_recreated(None)


def test_metadata_is_set_on_a_copy() -> None:
    before = obj({"a": "1"})
    after = owner.with_metadata(before, labels={"b": "2"}, annotations={"c": "3"})
    assert before == obj({"a": "1"})
    assert after["metadata"]["labels"] == {"a": "1", "b": "2"}
    assert after["metadata"]["annotations"] == {"c": "3"}
