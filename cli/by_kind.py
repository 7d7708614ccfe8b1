"""The tree of commands that the verbs share: `VERB [group] WORD` for each kind (specs/cli.md 2.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cli.families import Family
from cli.groups import Entry, Inherited, LazyGroup

_GROUPS: Mapping[str, tuple[str, str]] = {
    "source": ("sources", "sources"),
    "image": ("images", "objects for images"),
    "artifact": ("artifacts", "generators of artifacts"),
}
"""Of a group: its plural, and what its help text calls its members."""

MakeEntry = Callable[[Family], Entry]


def tree(
    verb: str,
    summary: str,
    families: Sequence[Family],
    entry: MakeEntry,
    inherited: Sequence[Inherited],
) -> LazyGroup:
    """One command for each family; `summary` speaks of `objects`, which each group replaces by its own."""
    return _grouped(verb, summary, families, entry, inherited, plural=False)


def listing_tree(
    verb: str,
    summary: str,
    families: Sequence[Family],
    entry: MakeEntry,
    inherited: Sequence[Inherited],
    *,
    several: Mapping[str, Entry],
) -> LazyGroup:
    """The same with plural words; `several` has the command `all` of each group, and of the verb under ''."""
    return _grouped(verb, summary, families, entry, inherited, plural=True, several=several)


def _grouped(
    verb: str,
    summary: str,
    families: Sequence[Family],
    entry: MakeEntry,
    inherited: Sequence[Inherited],
    *,
    plural: bool,
    several: Mapping[str, Entry] | None = None,
) -> LazyGroup:
    words: dict[str, Entry] = {}
    for group, (plural_word, members) in _GROUPS.items():
        inside = {
            (each.shown if plural else each.word): entry(each) for each in families if each.group == group
        }
        if several and group in several:
            inside["all"] = several[group]
        if inside:
            text = summary.replace("objects", members)
            word, alias = (plural_word, group) if plural else (group, plural_word)
            words[word] = Entry(
                LazyGroup(word, help=text, inherited=inherited, entries=inside), text, (alias,)
            )
    for each in families:
        if not each.group:
            words[each.shown if plural else each.word] = entry(each)
    if several and "" in several:
        words["all"] = several[""]
    return LazyGroup(verb, help=summary, inherited=inherited, entries=words)


def aliases(family: Family, *, plural: bool) -> tuple[str, ...]:
    """Every other word for the kind: the singular or plural, and the short ones."""
    other = family.word if plural else family.shown
    word = family.shown if plural else family.word
    return tuple(name for name in dict.fromkeys((other, *family.aliases)) if name != word)
