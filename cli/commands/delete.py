"""`headwater delete`: remove objects, after a question (specs/cli.md 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.by_kind import aliases, tree
from cli.families import EVERY, EXTERNAL, GENERATORS, Family
from cli.groups import Entry, Leaf
from cli.printing import Symbol, say
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.session import Session


async def _delete(session: Session, family: Family, name: str) -> None:
    """Raises CliError, and KubeError for an object that is not there."""
    say(Symbol.ACTION, f"deleting {family.human} {name} in {session.namespace} namespace")
    await session.client.delete(family.resource, session.namespace, name)
    say(Symbol.SUCCESS, f"{family.human} deleted")


def _command(family: Family) -> Entry:
    summary = f"Delete {family.plural}."
    parameters: list[click.Parameter] = [
        click.Argument(["name"], required=False),
        click.Option(["-s", "--silent"], is_flag=True, help="Do not ask."),
    ]

    def run(name: str | None, *, silent: bool) -> None:
        from cli.session import with_cluster

        if not name:
            raise CliError(f"{family.human} name is required")
        context = click.get_current_context()

        async def look(session: Session) -> None:
            await session.client.get(family.resource, session.namespace, name)

        async def work(session: Session) -> None:
            await _delete(session, family, name)

        # The question may take as long as it takes: no connection is held meanwhile.
        with_cluster(context, look)
        if not silent and not click.confirm(f"Are you sure you want to delete this {family.human}", err=True):
            raise CliError("aborting")
        with_cluster(context, work)

    command = Leaf(family.word, callback=run, help=summary, params=parameters, inherited=CLUSTER_OPTIONS)
    return Entry(command, summary, aliases(family, plural=False))


_DELETED = tuple(each for each in EVERY if each not in (EXTERNAL, GENERATORS))
delete = tree("delete", "Delete objects.", _DELETED, _command, CLUSTER_OPTIONS)
