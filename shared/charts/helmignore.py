"""Which files of a chart's directory .helmignore keeps out: Helm's own dialect: pure.

It is not git's: `**` is refused, a later rule does not undo an earlier one, and `!x` keeps out whatever
is not `x`. Helm always adds `templates/.?*`.
"""

from dataclasses import dataclass

from shared.logic.glob import Glob, compile_glob

FILE = ".helmignore"
_MAX_RULES = 10_000
_ALWAYS = "templates/.?*"


class InvalidHelmIgnore(ValueError):
    """A rule that Helm refuses."""


@dataclass(frozen=True, slots=True)
class _Rule:
    globs: tuple[Glob, ...]
    whole_path: bool
    directories_only: bool
    negated: bool

    def fits(self, path: tuple[str, ...]) -> bool:
        parts = path if self.whole_path else path[-1:]
        return len(parts) == len(self.globs) and all(
            glob.matches(part) for glob, part in zip(self.globs, parts, strict=True)
        )


@dataclass(frozen=True, slots=True)
class HelmIgnore:
    """All rules of a chart."""

    rules: tuple[_Rule, ...]

    @classmethod
    def parse(cls, text: str) -> "HelmIgnore":
        """Raises InvalidHelmIgnore."""
        lines = [line.strip() for line in text.splitlines()]
        wanted = [line for line in lines if line and not line.startswith("#")]
        if len(wanted) > _MAX_RULES:
            raise InvalidHelmIgnore(f"more than {_MAX_RULES} rules in {FILE}")
        return cls(tuple(_parse_rule(line) for line in [*wanted, _ALWAYS]))

    def ignores(self, path: tuple[str, ...], *, is_dir: bool) -> bool:
        """Whether this path itself is kept out; below a directory that is, nothing is asked any more."""
        for rule in self.rules:
            excused = rule.directories_only and not is_dir
            if rule.negated:
                if excused or not rule.fits(path):
                    return True
            elif not excused and rule.fits(path):
                return True
        return False

    def keeps(self, path: tuple[str, ...]) -> bool:
        """Whether a file is part of the chart: neither it nor a directory above it is kept out."""
        above = (path[:depth] for depth in range(1, len(path)))
        return not any(self.ignores(each, is_dir=True) for each in above) and not self.ignores(
            path, is_dir=False
        )


def _parse_rule(line: str) -> _Rule:
    if "**" in line:
        raise InvalidHelmIgnore("double-star (**) syntax is not supported")
    negated = line.startswith("!")
    pattern = line[1:] if negated else line
    directories_only = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    whole_path = "/" in pattern
    globs = tuple(compile_glob(part) for part in pattern.removeprefix("/").split("/"))
    if any(glob.tokens is None and glob.literal is None for glob in globs):
        raise InvalidHelmIgnore(f"invalid pattern in {FILE}: {line[:100]!r}")
    return _Rule(globs, whole_path, directories_only, negated)
