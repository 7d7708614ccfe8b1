"""`headwater suspend`: objects are left as they are until they are resumed (specs/cli.md 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.pausing import Names, find, per_kind, set_suspended
from cli.printing import Symbol, say
from cli.problems import CliError, explain

if TYPE_CHECKING:
    import click

    from cli.families import Family
    from cli.session import Session


def _handle(ctx: click.Context, family: Family, names: Names) -> None:
    from cli.session import with_cluster

    async def work(session: Session) -> None:
        await _suspend(session, family, names)

    with_cluster(ctx, work)


async def _suspend(session: Session, family: Family, names: Names) -> None:
    """A name that nothing has is told and is no failure, as with flux. Raises CliError."""
    from shared.kube.errors import ApiError

    found, missing = await find(session, family, names)
    for name in missing:
        say(Symbol.FAILURE, f"{family.kind} {name} not found in {session.namespace} namespace")
    if not found and not names:
        raise CliError("no objects found")
    failed = False
    for obj in found:
        name = obj["metadata"]["name"]
        say(Symbol.ACTION, f"suspending {family.human} {name} in {session.namespace} namespace")
        try:
            await set_suspended(session, family, name, True)
        except ApiError as error:
            failed = True
            where = f"{family.kind} {name} in {session.namespace} namespace"
            say(Symbol.FAILURE, f"failed suspending {where}: {explain(error)}")
        else:
            say(Symbol.SUCCESS, f"{family.human} suspended")
    if failed:
        raise CliError("not everything could be suspended")


suspend = per_kind("suspend", "Stop reconciling objects.", _handle, list)
