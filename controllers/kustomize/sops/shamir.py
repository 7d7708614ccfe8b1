"""Put a data key together from the shares that several key groups hold (Shamir, over GF(2^8))."""

from __future__ import annotations

from collections.abc import Sequence

from controllers.kustomize.sops.errors import DocumentInvalid


def combine(shares: Sequence[bytes]) -> bytes:
    """Each share ends with its x; the secret is the polynomials' value at 0. Raises DocumentInvalid."""
    lengths, xs = {len(share) for share in shares}, [share[-1] for share in shares if share]
    if len(shares) < 2 or len(lengths) != 1 or max(lengths) < 2:
        raise DocumentInvalid("the shares of the data key do not belong together")
    if len(set(xs)) != len(xs) or 0 in xs:
        raise DocumentInvalid("two shares of the data key are the same one")
    weights = [_weight(x, xs) for x in xs]
    length = max(lengths) - 1
    return bytes(_sum(shares, weights, position) for position in range(length))


def _sum(shares: Sequence[bytes], weights: Sequence[int], position: int) -> int:
    total = 0
    for share, weight in zip(shares, weights, strict=True):
        total ^= _multiply(share[position], weight)
    return total


def _weight(x: int, xs: Sequence[int]) -> int:
    """The Lagrange basis polynomial of x, at 0."""
    weight = 1
    for other in xs:
        if other != x:
            weight = _multiply(weight, _multiply(other, _inverse(other ^ x)))
    return weight


def _multiply(a: int, b: int) -> int:
    """In the field of AES: modulo X^8 + X^4 + X^3 + X + 1."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11B
        b >>= 1
    return product


def _inverse(a: int) -> int:
    """a^254, since a^255 is 1."""
    result = 1
    for _ in range(254):
        result = _multiply(result, a)
    return result
