import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.kustomize.sops.errors import DocumentInvalid
from controllers.kustomize.sops.shamir import combine


def _times(a: int, b: int) -> int:
    """By the schoolbook: multiply as polynomials, then divide by X^8 + X^4 + X^3 + X + 1."""
    product = 0
    for bit in range(8):
        product ^= (a << bit) if b >> bit & 1 else 0
    for bit in range(14, 7, -1):
        product ^= (0x11B << (bit - 8)) if product >> bit & 1 else 0
    return product


def _share(secret: bytes, coefficients: list[bytes], x: int) -> bytes:
    share = []
    for position, constant in enumerate(secret):
        value, power = constant, 1
        for coefficient in coefficients:
            power = _times(power, x)
            value ^= _times(coefficient[position], power)
        share.append(value)
    return bytes([*share, x])


@given(
    st.binary(min_size=32, max_size=32),
    st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=4),
    st.lists(st.integers(1, 255), min_size=5, max_size=5, unique=True),
)
def test_enough_shares_give_the_secret(secret: bytes, coefficients: list[bytes], xs: list[int]) -> None:
    shares = [_share(secret, coefficients, x) for x in xs]
    assert combine(shares[: len(coefficients) + 1]) == secret
    assert combine(shares) == secret


@pytest.mark.parametrize(
    "shares",
    [
        pytest.param([], id="none"),
        pytest.param([b"ab"], id="one"),
        pytest.param([b"ab", b"abc"], id="of different length"),
        pytest.param([b"ab", b"cb"], id="with the same x"),
        pytest.param([b"a\x00", b"cb"], id="at zero"),
        pytest.param([b"a", b"b"], id="without a value"),
    ],
)
def test_shares_that_do_not_belong_together_are_refused(shares: list[bytes]) -> None:
    with pytest.raises(DocumentInvalid):
        combine(shares)
