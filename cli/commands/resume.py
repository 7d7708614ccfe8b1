"""`headwater resume`: reconcile again, and wait for the first result (specs/cli.md 5)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from cli import pauses
from cli.families import Family, is_static
from cli.pausing import Names, find, per_kind, set_suspended
from cli.printing import Symbol, say
from cli.problems import CliError

if TYPE_CHECKING:
    from cli.session import Session


def _handle(ctx: click.Context, family: Family, names: Names, *, wait: bool) -> None:
    from cli.session import with_cluster

    explicit = ctx.get_parameter_source("wait") is click.core.ParameterSource.COMMANDLINE
    waits = wait if explicit else len(names) == 1

    async def work(session: Session) -> None:
        await _resume(session, family, names, waits=waits)

    with_cluster(ctx, work)


async def _resume(session: Session, family: Family, names: Names, *, waits: bool) -> None:
    found, missing = await find(session, family, names)
    for name in missing:
        say(Symbol.FAILURE, f"{family.kind} object '{name}' not found in {session.namespace} namespace")
    if not found and not names:
        say(Symbol.FAILURE, f"no {family.kind} objects found in {session.namespace} namespace")
    resumed = [obj["metadata"]["name"] for obj in found]
    for name in resumed:
        say(Symbol.ACTION, f"resuming {family.human} {name} in {session.namespace} namespace")
        await set_suspended(session, family, name, value=None, annotations=dict.fromkeys(pauses.ALL))
        say(Symbol.SUCCESS, f"{family.human} resumed")
    if waits:
        static = {obj["metadata"]["name"] for obj in found if is_static(obj)}
        await _wait(session, family, sorted(set(resumed) - static))


async def _wait(session: Session, family: Family, names: list[str]) -> None:
    """All at once; told in the order of their names. Raises CliError when one failed."""
    for _ in names:
        say(Symbol.WAITING, f"waiting for {family.kind} reconciliation")
    outcomes = await asyncio.gather(*(_outcome(session, family, name) for name in names))
    failures = 0
    for name, (success, failure) in zip(names, outcomes, strict=True):
        if failure:
            failures += 1
            say(Symbol.FAILURE, f"{family.kind} {name} reconciliation failed: {failure}")
        else:
            say(Symbol.SUCCESS, f"{family.kind} {name} reconciliation completed")
            say(Symbol.SUCCESS, success)
    if failures:
        raise CliError(f"reconciliation failed for {failures} {family.kind}(s)")


async def _outcome(session: Session, family: Family, name: str) -> tuple[str, str]:
    """What to say on success, or why it failed."""
    from cli.outcomes import success as words
    from cli.waiting import NotReconciled, is_ready, until
    from shared.model.meta import ObjectKey

    try:
        obj = await until(session, family, ObjectKey(session.namespace, name), is_ready)
    except NotReconciled as error:
        return "", str(error)
    return words(family, obj), ""


def _options() -> list[click.Option]:
    return [click.Option(["--wait"], is_flag=True, help="Wait for all; without, only for a single name.")]


resume = per_kind("resume", "Go on reconciling objects.", _handle, _options)
