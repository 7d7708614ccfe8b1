"""What `suspend` and `resume` share: a group with one command for each kind, which takes many names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cli.groups import Entry, LazyGroup, Leaf
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.families import Family
    from cli.session import Session
    from shared.model.meta import Object

_SOURCES = (
    ("git", "GIT", "GitRepositories"),
    ("oci", "OCI", "OCIRepositories"),
    ("bucket", "BUCKETS", "Buckets"),
)

Names = tuple[str, ...]
Handle = Callable[..., None]
"""Gets the context, the family, the names without repetition, and the options of the command."""


def per_kind(verb: str, summary: str, handle: Handle, options: Callable[[], list[click.Option]]) -> LazyGroup:
    """`VERB source git|oci|bucket NAME...` and `VERB kustomization NAME...`, all with `--all`.

    `summary` speaks of `objects`, which each command replaces by its kind.
    """

    def entry(word: str, family_name: str, plural: str, *aliases: str) -> Entry:
        def run(names: Names, *, everything: bool, **chosen: bool) -> None:
            from cli import families

            family: Family = getattr(families, family_name)
            if not names and not everything:
                raise CliError(f"{family.human} name is required")
            handle(click.get_current_context(), family, tuple(dict.fromkeys(names)), **chosen)

        text = summary.replace("objects", plural)
        command = Leaf(
            word,
            callback=run,
            help=text,
            params=[
                click.Argument(["names"], nargs=-1),
                click.Option(["--all", "everything"], is_flag=True, help="All of them in the namespace."),
                *options(),
            ],
            inherited=CLUSTER_OPTIONS,
        )
        return Entry(command, text, aliases)

    text = summary.replace("objects", "sources")
    sources = LazyGroup(
        "source",
        help=text,
        inherited=CLUSTER_OPTIONS,
        entries={word: entry(word, family, plural) for word, family, plural in _SOURCES},
    )
    return LazyGroup(
        verb,
        help=summary,
        inherited=CLUSTER_OPTIONS,
        entries={
            "source": Entry(sources, text),
            "kustomization": entry("kustomization", "KUSTOMIZATIONS", "Kustomizations", "ks"),
        },
    )


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


async def set_suspended(session: Session, family: Family, name: str, value: bool | None) -> None:  # noqa: FBT001 - a field's value
    """Write `spec.suspend`; None removes it. Raises KubeError."""
    from cli.session import FIELD_MANAGER

    await session.client.patch(
        family.resource,
        session.namespace,
        name,
        {"spec": {"suspend": value}},
        params={"fieldManager": FIELD_MANAGER},
    )
