"""Semantic versions and version ranges, by the rules of Go's Masterminds/semver v3 (spec source 8.8).

Those rules differ from every Python library's: `1.2` and `v1` are versions, a comma or a space
means AND, `>1` means at least 2.0.0, and a pre-release is in a range only when some part of the
same AND group names a pre-release itself.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import total_ordering
from typing import Self

MAX_LENGTH = 1024
"""Characters; a longer version or range is refused unread."""

_UINT64_MAX = 2**64 - 1
_SUFFIX = (
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+(?P<build>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
_VERSION = re.compile(
    rf"v?(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.(?P<patch>[0-9]+))?{_SUFFIX}", re.ASCII
)

_PARTIAL = (
    r"v?[0-9xX*]+(?:\.[0-9xX*]+)?(?:\.[0-9xX*]+)?"
    r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_OPERATOR = r"=|!=|>=|=>|<=|=<|>|<|~>|~|\^|"
_HYPHEN = re.compile(rf"\s*({_PARTIAL})\s+-\s+({_PARTIAL})\s*", re.ASCII)
_PART = re.compile(rf"({_OPERATOR})\s*({_PARTIAL})\s*(,?)\s*", re.ASCII)
_PARTIAL_FIELDS = re.compile(
    rf"v?(?P<major>[0-9xX*]+)(?:\.(?P<minor>[0-9xX*]+))?(?:\.(?P<patch>[0-9xX*]+))?{_SUFFIX}", re.ASCII
)


class InvalidVersion(ValueError):
    """The text is no version."""


class InvalidRange(ValueError):
    """The text is no version range."""


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version; compared by precedence, so build metadata plays no part in equality."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""
    build: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1`, `1.2`, `v1.2.3-rc.1+build`. Raises InvalidVersion."""
        if len(text) > MAX_LENGTH:
            raise InvalidVersion(f"version of {len(text)} characters, at most {MAX_LENGTH} are read")
        match = _VERSION.fullmatch(text)
        if match is None:
            raise InvalidVersion(f"not a semantic version: '{text}'")
        major, minor, patch = (_number(match[name] or "0", text) for name in ("major", "minor", "patch"))
        prerelease = match["pre"] or ""
        for part in prerelease.split("."):
            if part.isdigit() and len(part) > 1 and part.startswith("0"):
                raise InvalidVersion(f"pre-release number with a leading zero: '{text}'")
        return cls(major, minor, patch, prerelease, match["build"] or "")

    def precedence(self) -> tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]:
        """What versions are compared by; to sort many, take it once for each."""
        parts = self.prerelease.split(".") if self.prerelease else []
        ranks = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
        return self.major, self.minor, self.patch, 0 if parts else 1, ranks

    def __eq__(self, other: object) -> bool:
        return self.precedence() == other.precedence() if isinstance(other, Version) else NotImplemented

    def __lt__(self, other: "Version") -> bool:
        return self.precedence() < other.precedence()

    def __hash__(self) -> int:
        return hash(self.precedence())

    def __str__(self) -> str:
        pre, build = self.prerelease and f"-{self.prerelease}", self.build and f"+{self.build}"
        return f"{self.major}.{self.minor}.{self.patch}{pre}{build}"


def _number(digits: str, text: str) -> int:
    # Longer than any 64-bit number: refuse before int() does quadratic work.
    if len(digits) > 64 or int(digits) > _UINT64_MAX:
        raise InvalidVersion(f"number too large in version '{text}'")
    return int(digits)


@dataclass(frozen=True, slots=True)
class _Bound:
    """One part of a range, such as `>=1.2`; `any_*` says which parts were left out or wild."""

    operator: str
    version: Version
    any_major: bool = False
    any_minor: bool = False
    any_patch: bool = False

    @property
    def partial(self) -> bool:
        return self.any_major or self.any_minor or self.any_patch


@dataclass(frozen=True, slots=True)
class Range:
    """A version range: alternatives (`||`), each a group of bounds that must all hold."""

    text: str
    _groups: tuple[tuple[_Bound, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a range such as `>=1.2 <2 || ~3.1`. Raises InvalidRange."""
        if len(text) > MAX_LENGTH:
            raise InvalidRange(f"version range of {len(text)} characters, at most {MAX_LENGTH} are read")
        explicit = _HYPHEN.sub(r">=\1, <=\2", text)
        return cls(text, tuple(_parse_group(group, text) for group in explicit.split("||")))

    def contains(self, version: Version) -> bool:
        return any(_group_contains(group, version) for group in self._groups)


def highest(versions: Iterable[Version], within: Range) -> Version | None:
    """The highest version of the range, the first of equals; None when no version is in it."""
    return max(filter(within.contains, versions), default=None)


def _parse_group(group: str, text: str) -> tuple[_Bound, ...]:
    bounds: list[_Bound] = []
    rest = group.strip()
    position, separated = 0, True
    while position < len(rest):
        match = _PART.match(rest, position)
        if match is None or not separated:
            raise InvalidRange(f"improper constraint: {text}")
        bounds.append(_parse_bound(match[1], match[2], text))
        separated = bool(match[3]) or rest[match.end() - 1 : match.end()].isspace()
        position = match.end()
        if match[3] and position == len(rest):
            raise InvalidRange(f"improper constraint: {text}")
    if not bounds:
        raise InvalidRange(f"improper constraint: {text}")
    return tuple(bounds)


def _parse_bound(operator: str, partial: str, text: str) -> _Bound:
    match = _PARTIAL_FIELDS.fullmatch(partial)
    if match is None:
        raise InvalidRange(f"improper constraint: {text}")
    major, minor, patch = match["major"], match["minor"], match["patch"]
    any_major = _is_wild(major)
    any_minor = not any_major and _is_wild(minor)
    any_patch = not any_major and not any_minor and _is_wild(patch)
    exact = (
        "0" if any_major else major,
        "0" if any_major or any_minor else minor,
        "0" if any_major or any_minor or any_patch else patch,
    )
    suffix = f"-{match['pre']}" if match["pre"] else ""
    try:
        version = Version.parse(".".join(exact) + suffix)
    except InvalidVersion as error:
        raise InvalidRange(f"improper constraint: {text}: {error}") from error
    return _Bound(operator, version, any_major, any_minor, any_patch)


def _is_wild(part: str | None) -> bool:
    return part in (None, "x", "X", "*")


def _group_contains(group: tuple[_Bound, ...], version: Version) -> bool:
    if version.prerelease and not any(bound.version.prerelease for bound in group):
        return False
    return all(_HOLDS[bound.operator](version, bound) for bound in group)


def _differs(v: Version, b: _Bound) -> bool:
    if not b.partial or v.major != b.version.major:
        return v != b.version
    if b.any_minor:
        return False
    if v.minor != b.version.minor:
        return True
    if b.any_patch:
        return v.prerelease != b.version.prerelease
    return v != b.version


def _above(v: Version, b: _Bound) -> bool:
    if not b.partial or v.major != b.version.major or b.any_major:
        return v > b.version
    return not b.any_minor and v.minor > b.version.minor


def _below(v: Version, b: _Bound) -> bool:
    return v < b.version


def _at_least(v: Version, b: _Bound) -> bool:
    return v >= b.version


def _at_most(v: Version, b: _Bound) -> bool:
    if not b.partial:
        return v <= b.version
    if v.major != b.version.major:
        return v.major < b.version.major
    return b.any_minor or v.minor <= b.version.minor


def _tilde(v: Version, b: _Bound) -> bool:
    least = b.version
    if v < least:
        return False
    # `*` and, as in the original, `~0.0.0` admit everything from zero on.
    if (least.major, least.minor, least.patch) == (0, 0, 0) and not b.any_minor and not b.any_patch:
        return True
    return v.major == least.major and (b.any_minor or v.minor == least.minor)


def _caret(v: Version, b: _Bound) -> bool:
    least = b.version
    if v < least or v.major != least.major:
        return False
    if least.major > 0 or b.any_minor:
        return True
    if least.minor > 0 or b.any_patch:
        return v.minor == least.minor
    return v.minor == 0 and v.patch == least.patch


def _equals(v: Version, b: _Bound) -> bool:
    return _tilde(v, b) if b.partial else v == b.version


_HOLDS: Mapping[str, Callable[[Version, _Bound], bool]] = {
    "": _equals,
    "=": _equals,
    "!=": _differs,
    ">": _above,
    "<": _below,
    ">=": _at_least,
    "=>": _at_least,
    "<=": _at_most,
    "=<": _at_most,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}
