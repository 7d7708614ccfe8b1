"""What `suspend` and `resume` share: a group with one command for each kind, which takes many names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from cli.by_kind import aliases, tree
from cli.families import EVERY, EXTERNAL, GENERATORS, RECONCILE, Family
from cli.groups import Entry, LazyGroup, Leaf
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.session import Session
    from shared.model.meta import Object

_PAUSABLE = tuple(each for each in EVERY if each is not EXTERNAL)

Names = tuple[str, ...]
Handle = Callable[..., None]
"""Gets the context, the family, the names without repetition, and the options of the command."""


def per_kind(verb: str, summary: str, handle: Handle, options: Callable[[], list[click.Option]]) -> LazyGroup:
    """`VERB [group] WORD NAME...` for every kind that can be suspended, all with `--all`."""

    def entry(family: Family) -> Entry:
        def run(names: Names, *, everything: bool, **chosen: Any) -> None:
            if not names and not everything:
                raise CliError(f"{family.human} name is required")
            handle(click.get_current_context(), family, tuple(dict.fromkeys(names)), **chosen)

        text = summary.replace("objects", family.plural)
        command = Leaf(
            family.word,
            callback=run,
            help=text,
            params=[
                click.Argument(["names"], nargs=-1),
                click.Option(["--all", "everything"], is_flag=True, help="All of them in the namespace."),
                *options(),
            ],
            inherited=CLUSTER_OPTIONS,
        )
        return Entry(command, text, aliases(family, plural=False))

    return tree(verb, summary, _PAUSABLE, entry, CLUSTER_OPTIONS)


async def find(session: Session, family: Family, names: Names) -> tuple[list[Object], list[str]]:
    """The objects of these names, or all without names; and the names that nothing has.

    Asked by lists, as flux does: the right to list is enough.
    """
    if not names:
        return (await session.client.list(family.resource, session.namespace)).items, []
    found: list[Object] = []
    missing: list[str] = []
    for name in names:
        listing = await session.client.list(
            family.resource, session.namespace, field_selector=f"metadata.name={name}"
        )
        found += listing.items
        if not listing.items:
            missing.append(name)
    return found, missing


async def set_suspended(
    session: Session,
    family: Family,
    name: str,
    *,
    value: bool | None,
    annotations: Mapping[str, str | None],
) -> None:
    """Write `spec.suspend`, where None removes it, and annotations likewise. Raises KubeError."""
    from cli.session import FIELD_MANAGER

    change: dict[str, Any] = {"metadata": {"annotations": dict(annotations)}}
    if family is GENERATORS:
        change["metadata"]["annotations"][RECONCILE] = "disabled" if value else None
    else:
        change["spec"] = {"suspend": value}
    await session.client.patch(
        family.resource, session.namespace, name, change, params={"fieldManager": FIELD_MANAGER}
    )
