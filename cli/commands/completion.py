"""`headwater completion`: scripts that complete words in a shell (specs/cli.md 15)."""

from __future__ import annotations

from click.shell_completion import get_completion_class

from cli.groups import Entry, LazyGroup, Leaf
from cli.printing import show
from cli.problems import CliError

_SHELLS = ("bash", "fish", "zsh")


def _script(shell: str) -> str:
    from cli.root import root

    made = get_completion_class(shell)
    if made is None:
        raise CliError(f"no completion is known for {shell}")
    return made(root, {}, "headwater", "_HEADWATER_COMPLETE").source()


def _entry(shell: str) -> Entry:
    summary = f"Print the script for {shell}."
    return Entry(Leaf(shell, callback=lambda: show(_script(shell)), help=summary), summary)


completion = LazyGroup(
    "completion",
    help="Print a script that completes words: source it, or put it where your shell looks for them.",
    entries={shell: _entry(shell) for shell in _SHELLS},
)
