"""Which files of a source stay out of its artifact: the gitignore dialect of spec source, part 6.

Differences from git itself, on purpose: parents are not pruned, so a later `!pattern` rescues files
below an excluded directory; and any user pattern switches off all defaults but the VCS set.

Matching takes time linear in patterns times path length, whatever the pattern.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.logic.glob import Glob, compile_glob

Path = tuple[str, ...]
"""A path as its components, relative to the root of the tree; the root is `()`."""

MAX_PATTERNS = 10_000
MAX_PATTERN_LENGTH = 4_096

VCS = (".git/", ".gitignore", ".gitmodules", ".gitattributes")
EXTENSIONS = ("*.jpg", "*.jpeg", "*.gif", "*.png", "*.wmv", "*.flv", "*.tar.gz", "*.zip")
CI = (
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
)
EXTRA = ("**/.goreleaser.yml", "**/.sops.yaml", "**/.flux.yaml")

_ANY_DEPTH = "**"
_CACHED_NAMES = 65_536


class InvalidIgnoreRules(ValueError):
    """More or longer patterns than anybody writes by hand."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of an ignore file that stands in directory `domain`.

    `parts` are the globs between slashes, None standing for `**`; an unanchored pattern has one part,
    which may match any component.
    """

    domain: Path
    parts: tuple[Glob | None, ...]
    anchored: bool
    directories_only: bool
    excludes: bool


def parse_patterns(text: str, domain: Path = ()) -> list[Pattern]:
    """Read an ignore file's text. Raises InvalidIgnoreRules when it is too large."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) > MAX_PATTERNS:
        raise InvalidIgnoreRules(f"{len(lines)} ignore patterns, at most {MAX_PATTERNS} are read")
    return [_parse_pattern(line, domain) for line in lines]


def _parse_pattern(line: str, domain: Path) -> Pattern:
    if len(line) > MAX_PATTERN_LENGTH:
        raise InvalidIgnoreRules(
            f"ignore pattern of {len(line)} characters, at most {MAX_PATTERN_LENGTH} are read"
        )
    excludes = not line.startswith("!")
    body = line if excludes else line[1:]
    if not body.endswith("\\ "):
        body = body.rstrip(" ")
    directories_only = body.endswith("/")
    body = body.removesuffix("/")
    anchored = "/" in body
    parts = [part for part in body.split("/") if part] if anchored else [body]
    globs = tuple(
        None if anchored and part == _ANY_DEPTH else _part(part, anchored=anchored) for part in parts
    )
    return Pattern(domain, globs, anchored, directories_only, excludes)


def _part(text: str, *, anchored: bool) -> Glob:
    if anchored and _ANY_DEPTH in text:
        return compile_glob("[")  # `**` beside other text never matches; neither does this
    return compile_glob(text)


class Rules:
    """An ordered set of patterns; of those that match a path, the last decides."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._patterns = tuple(patterns)
        self._by_name = [(i, p) for i, p in enumerate(self._patterns) if not p.anchored and not p.domain]
        self._others = [(i, p) for i, p in enumerate(self._patterns) if p.anchored or p.domain]
        self._named: dict[str, tuple[int, int]] = {}

    def ignores(self, path: Path, *, is_dir: bool) -> bool:
        """Whether the entry stays out; a match on a parent counts for everything below it."""
        best = self._best_by_name(path, is_dir=is_dir)
        for index, pattern in reversed(self._others):
            if index < best:
                break
            if _matches(pattern, path, is_dir=is_dir):
                best = index
                break
        return best >= 0 and self._patterns[best].excludes

    def _best_by_name(self, path: Path, *, is_dir: bool) -> int:
        best = -1
        for depth, name in enumerate(path, start=1):
            as_file, as_dir = self._last_for_name(name)
            best = max(best, as_dir if is_dir or depth < len(path) else as_file)
        return best

    def _last_for_name(self, name: str) -> tuple[int, int]:
        """The last pattern that matches the name of a file, and of a directory; -1 for none."""
        known = self._named.get(name)
        if known is None:
            matching = [(i, p.directories_only) for i, p in self._by_name if _fits(p, name)]
            as_dir = matching[-1][0] if matching else -1
            as_file = next((i for i, only_dirs in reversed(matching) if not only_dirs), -1)
            if len(self._named) >= _CACHED_NAMES:
                self._named.clear()
            known = self._named[name] = (as_file, as_dir)
        return known


def _fits(pattern: Pattern, name: str) -> bool:
    only = pattern.parts[0]
    return only is not None and only.matches(name)


def _matches(pattern: Pattern, path: Path, *, is_dir: bool) -> bool:
    if len(path) <= len(pattern.domain) or path[: len(pattern.domain)] != pattern.domain:
        return False
    below = path[len(pattern.domain) :]
    if not pattern.anchored:
        last = len(below) - 1
        return any(
            _fits(pattern, name) and (depth < last or is_dir or not pattern.directories_only)
            for depth, name in enumerate(below)
        )
    return _matches_anchored(pattern, below, is_dir=is_dir)


def _matches_anchored(pattern: Pattern, path: Path, *, is_dir: bool) -> bool:
    """Run all possible positions in the pattern side by side, one path component at a time."""
    parts = pattern.parts
    if all(part is None for part in parts):
        return False
    states = _spread({0}, parts)
    for depth, name in enumerate(path, start=1):
        reached: set[int] = set()
        for state in states:
            part = parts[state] if state < len(parts) else None
            if part is None:
                reached.add(state)
            elif part.matches(name):
                reached.add(state + 1)
        states = _spread(reached, parts)
        whole = depth == len(path)
        if len(parts) in states and not (whole and pattern.directories_only and not is_dir):
            return True
        if not states:
            return False
    return False


def _spread(states: set[int], parts: Sequence[Glob | None]) -> set[int]:
    """Add the states reached by letting `**` stand for nothing."""
    for state in sorted(states):
        following = state
        while following < len(parts) and parts[following] is None:
            following += 1
            states.add(following)
    return states


def compose(ignore_files: Sequence[tuple[Path, str]], spec_ignore: str | None) -> Rules:
    """The rules of a git tree or an extracted OCI layer (spec source 6.3).

    `ignore_files` are the `.sourceignore` files as (directory, text), the root first, then in
    directory order. Raises InvalidIgnoreRules.
    """
    user = [pattern for domain, text in ignore_files for pattern in parse_patterns(text, domain)]
    user += parse_patterns(spec_ignore or "")
    if len(user) > MAX_PATTERNS:
        raise InvalidIgnoreRules(f"{len(user)} ignore patterns, at most {MAX_PATTERNS} are read")
    built_in = VCS if user else VCS + EXTENSIONS + CI + EXTRA
    return Rules([*parse_patterns("\n".join(built_in)), *user])
