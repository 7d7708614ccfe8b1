from hypothesis import given
from hypothesis import strategies as st

from shared.logic.merge_patch import merge_diff

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
# Null means "remove" in a merge patch, so a document that holds nulls cannot be expressed.
values = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
documents = st.dictionaries(st.text(max_size=3), values, max_size=5)


def applied(document, patch):
    """RFC 7396, the algorithm of its section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = applied(result.get(key), value)
    return result


@given(documents, documents)
def test_the_patch_leads_from_before_to_after(before, after):
    assert applied(before, merge_diff(before, after)) == after


@given(documents)
def test_nothing_to_do_is_an_empty_patch(document):
    assert merge_diff(document, document) == {}


def test_true_is_not_one():
    assert merge_diff({"a": 1}, {"a": True}) == {"a": True}
