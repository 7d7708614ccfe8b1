"""Regular expressions that users write: RE2, so linear time whatever they say, and Go's syntax."""

from __future__ import annotations

from typing import Any

MAX_LENGTH = 4_096
"""Characters; RE2 bounds what a pattern of that length may grow to."""


class InvalidRegex(ValueError):
    """The text is no regular expression; the message names it, and what RE2 says."""


def compile_regex(pattern: str) -> Any:
    """A pattern as Python's `re` knows it: search, groups, groupindex. Raises InvalidRegex."""
    import re2

    if len(pattern) > MAX_LENGTH:
        raise InvalidRegex(f"regular expression of {len(pattern)} characters, at most {MAX_LENGTH} are read")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise InvalidRegex(f"invalid regular expression pattern '{pattern}': {text}") from error
