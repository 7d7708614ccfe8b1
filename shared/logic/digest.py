"""Digests as artifacts carry them: `<algorithm>:<hex>` (spec source 5.4)."""

import hashlib
import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

_TEXT = re.compile(r"(?:(?P<algorithm>[a-z0-9]+(?:[.+_-][a-z0-9]+)*):)?(?P<hex>[0-9a-fA-F]{32,256})")


class InvalidDigest(ValueError):
    """The text is no digest, or names an algorithm that is not there."""


class Hasher(Protocol):
    """What hashlib's objects do, as far as it is used here."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def _new_blake3() -> Hasher:
    try:
        module = importlib.import_module("blake3")
    except ImportError as error:
        raise InvalidDigest("digest algorithm 'blake3' needs the Python package 'blake3'") from error
    hasher: Hasher = module.blake3()
    return hasher


# sha1 names git commits and old artifacts; it is offered for compatibility, not for trust.
_ALGORITHMS: Mapping[str, Callable[[], Hasher]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
    "blake3": _new_blake3,
}


def new_hasher(algorithm: str) -> Hasher:
    """A fresh hasher. Raises InvalidDigest for an algorithm that is unknown or not installed."""
    create = _ALGORITHMS.get(algorithm)
    if create is None:
        known = ", ".join(_ALGORITHMS)
        raise InvalidDigest(f"unsupported digest algorithm '{algorithm}': use one of {known}")
    return create()


@dataclass(frozen=True, slots=True)
class Digest:
    """An algorithm's name and the hash in lower-case hex."""

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sha256:<hex>`; a bare hash counts as sha256. Raises InvalidDigest."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise InvalidDigest(f"not a digest: '{text[:100]}'")
        return cls(match["algorithm"] or "sha256", match["hex"].lower())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"
