"""Globs over whole paths: `**` for any number of components, `{a,b}` for alternatives: pure.

As the doublestar library of Go reads them, which excludes are written for. Matching takes time linear in
pattern times path; alternatives are bounded.
"""

import itertools
from collections.abc import Sequence

from controllers.source.generation.paths import CopyRefused, TreePath
from shared.logic.glob import Glob, compile_glob

_MAX_ALTERNATIVES = 1_024
_MAX_LENGTH = 4_096

Compiled = tuple[Glob | None, ...]
"""Globs between slashes; None stands for `**`."""


class PathGlob:
    """A compiled pattern. Raises CopyRefused for a malformed one, or one of too many alternatives."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > _MAX_LENGTH:
            raise CopyRefused(f"pattern of {len(pattern)} characters, at most {_MAX_LENGTH} are read")
        self._variants = [_compiled(text) for text in _alternatives(pattern)]
        self._has_slash = "/" in pattern

    def matches(self, path: TreePath) -> bool:
        """Whether the whole path fits."""
        return any(_matches(variant, path) for variant in self._variants)

    def excludes(self, path: TreePath) -> bool:
        """Whether the path fits or, for a pattern without a slash, its last component alone."""
        return self.matches(path) or (not self._has_slash and self.matches(path[-1:]))


def _compiled(text: str) -> Compiled:
    globs = tuple(None if part == "**" else compile_glob(part) for part in text.split("/") if part)
    if any(glob is not None and glob.tokens is None for glob in globs):
        raise CopyRefused(f"invalid glob pattern '{text}'")
    return globs


def _matches(globs: Compiled, path: TreePath) -> bool:
    """Run all possible positions in the pattern side by side, one component at a time."""
    states = _spread({0}, globs)
    for name in path:
        reached: set[int] = set()
        for state in states:
            if state == len(globs):
                continue
            glob = globs[state]
            if glob is None:
                reached.add(state)
            elif glob.matches(name):
                reached.add(state + 1)
        states = _spread(reached, globs)
        if not states:
            return False
    return len(globs) in states


def _spread(states: set[int], globs: Sequence[Glob | None]) -> set[int]:
    """Add the states reached by letting `**` stand for nothing."""
    for state in sorted(states):
        following = state
        while following < len(globs) and globs[following] is None:
            following += 1
            states.add(following)
    return states


def _alternatives(pattern: str) -> list[str]:
    """Every pattern without braces that the pattern stands for."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        text = waiting.pop()
        group = _first_group(text)
        if group is None:
            done.append(text)
        else:
            start, end, choices = group
            waiting += [text[:start] + choice + text[end:] for choice in choices]
        if len(done) + len(waiting) > _MAX_ALTERNATIVES:
            raise CopyRefused(f"pattern '{pattern[:200]}' has more than {_MAX_ALTERNATIVES} alternatives")
    return done


def _first_group(text: str) -> tuple[int, int, list[str]] | None:
    """Start, end and choices of the first outermost `{a,b}`."""
    depth, start, cuts = 0, 0, [0]
    position = 0
    while position < len(text):
        match text[position]:
            case "\\":
                position += 1
            case "{":
                if depth == 0:
                    start, cuts = position, [position]
                depth += 1
            case "," if depth == 1:
                cuts.append(position)
            case "}" if depth == 1:
                cuts.append(position)
                choices = [text[a + 1 : b] for a, b in itertools.pairwise(cuts)]
                return start, position + 1, choices
            case "}" if depth > 1:
                depth -= 1
        position += 1
    if depth:
        raise CopyRefused(f"invalid glob pattern '{text[:200]}': a brace is not closed")
    return None
