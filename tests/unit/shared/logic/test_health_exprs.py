import subprocess
import sys
import time

import pytest

from shared.logic.cel import EvaluationFailed, InvalidExpression
from shared.logic.health_exprs import HealthExpressions, InvalidHealthExpression, ReadyExpression
from shared.logic.kstatus.health import Assessment, Health
from shared.model.meta import Object

READY = "status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')"


def widget(ready: str = "True", generation: int = 2, **status: object) -> Object:
    return {
        "apiVersion": "example.com/v2",
        "kind": "Widget",
        "metadata": {"name": "x", "generation": generation},
        "status": {"conditions": [{"type": "Ready", "status": ready}], **status},
    }


def expressions(**texts: str) -> HealthExpressions:
    return HealthExpressions.parse(
        [{"apiVersion": "example.com/v1", "kind": "Widget", "current": READY, **texts}]
    )


def assess(given: HealthExpressions, obj: Object) -> Assessment:
    found = given.assess(obj)
    assert found is not None
    return found


CASES = {
    "current": ({}, widget(), Health.CURRENT),
    "not yet": ({}, widget("False"), Health.IN_PROGRESS),
    "not observed": ({}, widget(observedGeneration=1), Health.IN_PROGRESS),
    "observed": ({}, widget(observedGeneration=2), Health.CURRENT),
    "an odd observed generation is skipped": ({}, widget(observedGeneration="1"), Health.CURRENT),
    "in progress goes first": ({"inProgress": "true", "failed": "true"}, widget(), Health.IN_PROGRESS),
    "failed goes before current": ({"failed": "status.phase == 'dead'"}, widget(phase="dead"), Health.FAILED),
    "numbers of different types": ({"current": "status.n > 2.5"}, widget(n=3), Health.CURRENT),
    "optional fields": ({"current": "status.?no.orValue('x') == 'x'"}, widget(), Health.CURRENT),
    "string functions": ({"current": "'a,b'.split(',').size() == 2"}, widget(), Health.CURRENT),
    "set functions": ({"current": "sets.contains([1, 2], [2])"}, widget(), Health.CURRENT),
    "a missing field": ({"current": "status.missing == 1"}, widget(), Health.UNKNOWN),
    "a guarded missing field": ({"current": "has(status.missing)"}, widget(), Health.IN_PROGRESS),
    "no boolean": ({"current": "metadata.name"}, widget(), Health.UNKNOWN),
}


@pytest.mark.parametrize(("texts", "obj", "health"), CASES.values(), ids=CASES)
def test_health(texts: dict[str, str], obj: Object, health: Health) -> None:
    assert assess(expressions(**texts), obj).health is health


def test_an_object_without_status_is_unknown_and_says_why() -> None:
    obj = widget()
    del obj["status"]
    found = assess(expressions(), obj)
    assert found.health is Health.UNKNOWN
    assert found.error.startswith(f"failed to evaluate the CEL expression '{READY}': ")


def test_the_exact_kind_beats_its_group_and_the_version_plays_no_part() -> None:
    given = HealthExpressions.parse(
        [
            {"apiVersion": "example.com/v1", "current": "false"},
            {"apiVersion": "example.com/v1beta1", "kind": "Widget", "current": "true"},
        ]
    )
    assert assess(given, widget()).health is Health.CURRENT
    assert assess(given, {**widget(), "kind": "Other"}).health is Health.IN_PROGRESS
    assert given.assess({**widget(), "apiVersion": "other.com/v1"}) is None


INVALID = {
    "nothing current": (
        [{"apiVersion": "v1", "kind": "A"}],
        "failed to create custom status evaluator for healthchecks[0]: expression Current not specified",
    ),
    "no CEL": (
        [{"apiVersion": "v1", "kind": "A", "current": "true", "failed": "is this"}],
        "failed to create custom status evaluator for healthchecks[0]: failed to parse the expression Failed: ",
    ),
    "twice the same kind": (
        [
            {"apiVersion": "a/v1", "kind": "A", "current": "true"},
            {"apiVersion": "a/v2", "kind": "A", "current": "true"},
        ],
        "duplicate custom health check for GroupKind A.a at healthchecks[1]",
    ),
    "too long": (
        [{"apiVersion": "v1", "kind": "A", "current": "true" + " " * 100_000}],
        "failed to create custom status evaluator for healthchecks[0]: failed to parse the expression Current: a CEL",
    ),
}


@pytest.mark.parametrize(("raw", "message"), INVALID.values(), ids=INVALID)
def test_invalid(raw: list[Object], message: str) -> None:
    with pytest.raises(InvalidHealthExpression) as error:
        HealthExpressions.parse(raw)
    assert str(error.value).startswith(message)


def test_expensive_expressions_end_soon() -> None:
    given = expressions(current="status.l.all(a, status.l.all(b, status.l.all(c, a + b + c >= 0)))")
    started = time.monotonic()
    assert assess(given, widget(l=list(range(2_000)))).health is Health.UNKNOWN
    assert time.monotonic() - started < 5


def test_numbers_that_cel_does_not_have_are_no_crash() -> None:
    assert assess(expressions(current="status.n == 1"), widget(n=2**70)).health is Health.UNKNOWN


def test_ready_expressions_see_both_objects() -> None:
    ready = ReadyExpression.parse("dep.metadata.labels.version == self.metadata.labels.version")
    one, two = ({"metadata": {"labels": {"version": v}}} for v in "12")
    assert ready.holds(one, one)
    assert not ready.holds(one, two)
    with pytest.raises(EvaluationFailed, match=r"^failed to evaluate the CEL expression"):
        ready.holds(one, {"metadata": {}})


@pytest.mark.parametrize("source", ["dep.status.ready", "other == 1", "'text'", "1 +", ""])
def test_ready_expressions_must_be_boolean(source: str) -> None:
    with pytest.raises(InvalidExpression, match=r"^failed to parse the CEL expression '"):
        ReadyExpression.parse(source)


def test_the_library_is_imported_when_it_is_needed() -> None:
    code = "import sys; import shared.logic.health_exprs; assert 'cel_expr_python' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
