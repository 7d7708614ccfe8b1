"""`headwater suspend`: objects are left as they are until they are resumed (specs/cli.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from cli.families import Family
from cli.pauses import annotations_for
from cli.pausing import Names, find, per_kind, set_suspended
from cli.printing import Symbol, say
from cli.problems import CliError, explain
from shared.model.duration import parse_duration

if TYPE_CHECKING:
    from cli.session import Session


def _handle(ctx: click.Context, family: Family, names: Names, *, reason: str, lasting: str) -> None:
    from cli.session import with_cluster

    annotations = annotations_for(reason, _lasting(lasting), datetime.now(UTC))

    async def work(session: Session) -> None:
        await _suspend(session, family, names, annotations)

    with_cluster(ctx, work)


def _lasting(text: str) -> timedelta | None:
    if not text:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CliError(f'--for "{text[:50]}" is no duration such as 90m or 48h') from error


async def _suspend(
    session: Session, family: Family, names: Names, annotations: Mapping[str, str | None]
) -> None:
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
            await set_suspended(session, family, name, value=True, annotations=annotations)
        except ApiError as error:
            failed = True
            where = f"{family.kind} {name} in {session.namespace} namespace"
            say(Symbol.FAILURE, f"failed suspending {where}: {explain(error)}")
        else:
            say(Symbol.SUCCESS, f"{family.human} suspended")
    if failed:
        raise CliError("not everything could be suspended")


def _options() -> list[click.Option]:
    return [
        click.Option(["--reason"], default="", metavar="TEXT", help="Why: kept on the object for others."),
        click.Option(
            ["--for", "lasting"],
            default="",
            metavar="DURATION",
            help="Until when, as a note: nothing is resumed by itself.",
        ),
    ]


suspend = per_kind("suspend", "Stop reconciling objects.", _handle, _options)
