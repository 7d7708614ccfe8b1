"""Quantities: one canonical form for each amount."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcluster.objects.quantity import BadQuantity, canonical, parse

CASES = {
    "1000m": "1",
    "0.5": "500m",
    "1024Mi": "1Gi",
    "1.5Gi": "1536Mi",
    "1000": "1k",
    "1500": "1500",
    "100000": "100k",
    "1e3": "1e3",
    "12E6": "12e6",
    "0.1Ki": "102400m",
    "512Ki": "512Ki",
    ".5": "500m",
    "-1": "-1",
    "2048": "2048",
    "0Gi": "0",
    "0.0000000001": "1n",
    "1E": "1E",
    "1Ei": "1Ei",
    "+3": "3",
}


@pytest.mark.parametrize(("text", "wanted"), CASES.items(), ids=CASES.keys())
def test_the_canonical_form(text, wanted):
    assert canonical(text) == wanted


@pytest.mark.parametrize("text", ["", "x", "1X", "1 Gi", "1..2", "e3", "Ki", "1e999", "1" * 200, "\u0661"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(BadQuantity):
        parse(text)


@given(
    st.integers(-(10**12), 10**12),
    st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "e-2"]),
)
def test_the_canonical_form_keeps_the_amount_and_is_final(number, suffix):
    once = canonical(f"{number}{suffix}")
    assert parse(once).value == parse(f"{number}{suffix}").value
    assert canonical(once) == once


@given(st.integers(1, 10**6))
def test_amounts_compare_across_suffixes(number):
    assert parse(f"{number}Ki").value == parse(str(number * 1024)).value
    assert parse(f"{number}m").value == Fraction(number, 1000)
