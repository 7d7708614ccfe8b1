"""`headwater uninstall`: the controllers and their kinds go, what they deployed stays (specs/cli.md 12.2)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cli.groups import Leaf
from cli.printing import Symbol, say
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.session import Session

_QUESTION = "Are you sure you want to delete Flux and its custom resource definitions"


def _run(*, keep_namespace: bool, dry_run: bool, silent: bool) -> None:
    from cli.session import with_cluster

    if not (dry_run or silent):
        if not sys.stdin.isatty():
            raise CliError("there is no terminal to ask on: confirm by --silent, or look with --dry-run")
        if not click.confirm(_QUESTION):
            raise CliError("Aborted")

    async def work(session: Session) -> None:
        from cli.installing.removal import Removal

        await Removal(session, dry_run).run(keep_namespace=keep_namespace)
        say(Symbol.SUCCESS, "uninstall finished")

    with_cluster(click.get_current_context(), work)


uninstall = Leaf(
    "uninstall",
    callback=_run,
    help="Remove the controllers, their kinds and objects; what they deployed stays.",
    params=[
        click.Option(["--keep-namespace"], is_flag=True, help="Leave the namespace."),
        click.Option(["--dry-run"], is_flag=True, help="Only say what would be removed."),
        click.Option(["-s", "--silent"], is_flag=True, help="Do not ask."),
    ],
    inherited=CLUSTER_OPTIONS,
)
