import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.conditions import MAX_MESSAGE, Conditions, Summary, cut, merge_conditions
from tests.make import LONG_AGO, NOW, condition

GIT = Summary(
    order=(
        "StorageOperationFailed",
        "FetchFailed",
        "ArtifactOutdated",
        "ArtifactInStorage",
        "SourceVerified",
        "Stalled",
        "Reconciling",
    ),
    negative=frozenset(
        {"StorageOperationFailed", "FetchFailed", "ArtifactOutdated", "Stalled", "Reconciling"}
    ),
    bipolar="SourceVerified",
)


def draft(*items, generation=2):
    return Conditions(items, generation=generation, now=NOW)


def test_the_transition_time_stays_when_nothing_changes():
    conditions = draft(condition("Ready", "True", "Succeeded", "fine"))
    conditions.mark_true("Ready", "Succeeded", "fine")
    ready = conditions.find("Ready")
    assert (ready.last_transition, ready.observed_generation) == (LONG_AGO, 2)


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [("False", "Succeeded", "fine"), ("True", "Other", "fine"), ("True", "Succeeded", "finer")],
)
def test_the_transition_time_moves_with_status_reason_or_message(status, reason, message):
    conditions = draft(condition("Ready", "True", "Succeeded", "fine"))
    conditions.set("Ready", status, reason, message)
    assert conditions.find("Ready").last_transition == NOW


def test_stalled_and_reconciling_exclude_each_other():
    conditions = draft(condition("Reconciling"))
    conditions.mark_stalled("Bad", "spec")
    assert [c.type for c in conditions] == ["Stalled"]
    conditions.mark_reconciling("Progressing", "again")
    assert [c.type for c in conditions] == ["Reconciling"]


def test_the_order_is_stalled_reconciling_ready_then_newest_generation_then_name():
    conditions = draft(
        condition("Zed", generation=2),
        condition("Abe", generation=1),
        condition("Ready"),
        condition("Reconciling"),
    )
    assert [c.type for c in conditions] == ["Reconciling", "Ready", "Zed", "Abe"]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param(
            [condition("ArtifactInStorage", reason="Succeeded", message="stored")],
            ("True", "Succeeded", "stored"),
            id="all well",
        ),
        pytest.param(
            [
                condition("ArtifactInStorage"),
                condition("FetchFailed", reason="GitOperationFailed", message="no route"),
            ],
            ("False", "GitOperationFailed", "no route"),
            id="negative and true beats positive and true",
        ),
        pytest.param(
            [condition("StorageOperationFailed", reason="A"), condition("FetchFailed", reason="B")],
            ("False", "A", ""),
            id="the first listed decides among equals",
        ),
        pytest.param(
            [condition("ArtifactInStorage"), condition("Reconciling", reason="ProgressingWithRetry")],
            ("False", "ProgressingWithRetry", ""),
            id="an error without a condition of its own",
        ),
        pytest.param(
            [
                condition("ArtifactInStorage"),
                condition("SourceVerified", "False", "InvalidCommitSignature", "no"),
            ],
            ("False", "InvalidCommitSignature", "no"),
            id="a failed verification overrides",
        ),
        pytest.param(
            [condition("ArtifactInStorage", "Unknown", "Waiting")], ("Unknown", "Waiting", ""), id="unknown"
        ),
    ],
)
def test_ready_follows_from_the_others(items, expected):
    conditions = draft(*items)
    GIT.apply(conditions)
    ready = conditions.find("Ready")
    assert (ready.status, ready.reason, ready.message) == expected


def test_without_any_listed_condition_ready_is_left_alone():
    conditions = draft()
    GIT.apply(conditions)
    assert conditions.find("Ready") is None


def test_a_foreign_condition_survives_and_ours_wins():
    before = [condition("Ready", "True")]
    after = [condition("Ready", "False", "Failed")]
    latest = [condition("Ready", "Unknown", "Theirs"), condition("Theirs")]
    merged = merge_conditions(before, after, latest, frozenset({"Ready"}))
    assert {c.type: c.reason for c in merged} == {"Ready": "Failed", "Theirs": "Succeeded"}


def test_what_we_removed_goes_and_what_others_changed_stays():
    before = [condition("Old"), condition("Shared")]
    after = [condition("Shared")]
    latest = [condition("Old"), condition("Shared", message="touched")]
    merged = merge_conditions(before, after, latest, frozenset())
    assert [(c.type, c.message) for c in merged] == [("Shared", "touched")]


@given(st.text(max_size=60), st.integers(min_value=4, max_value=40))
def test_a_cut_message_fits_and_says_so(text, limit):
    short = cut(text, limit)
    assert len(short.encode()) <= limit
    assert short == text or short.endswith("...")


def test_messages_are_cut_at_the_schemas_limit():
    conditions = draft()
    conditions.mark_true("Ready", "Succeeded", "x" * (MAX_MESSAGE + 1))
    assert len(conditions.find("Ready").message) == MAX_MESSAGE


def test_ready_needs_neither_reconciling_nor_stalled():
    assert draft(condition("Ready")).ready
    assert not draft(condition("Ready"), condition("Reconciling")).ready
    assert draft(condition("Stalled")).stalled
