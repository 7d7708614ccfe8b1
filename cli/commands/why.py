"""`headwater why`: the one root cause of an object's state, and the chain that leads to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.groups import Leaf
from cli.printing import Symbol, printable, show
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.session import Session

_CAUSE_FOUND, _FAILED = 1, 2


async def _why(session: Session, target: str, form: str) -> int:
    from cli.rendering import render
    from cli.why.links import Mark, root_cause
    from cli.why.walk import RESOURCES, Walk

    word, _, name = target.partition("/")
    resource = RESOURCES.get(word.lower())
    if resource is None or not name:
        raise CliError(f"'{target}' is not KIND/NAME of a kind known here, such as ks/web", status=_FAILED)
    walk = Walk(session.client)
    await walk.explain(resource, session.namespace, name)
    cause = root_cause(walk.links)
    if form == "json":
        shown = {"cause": cause and cause.render(), "chain": [link.render() for link in walk.links]}
        show(render("json", shown))
    else:
        marks = {Mark.GOOD: Symbol.SUCCESS, Mark.WAITING: Symbol.WAITING, Mark.BROKEN: Symbol.FAILURE}
        healthy = "healthy" if walk.managed else "healthy, but no Kustomization or HelmRelease manages it"
        lines = [f"{cause.subject}: {cause.message}" if cause else f"{target}: {healthy}", ""]
        lines += [f"{marks[link.mark]} {link.subject}: {link.message}" for link in walk.links]
        show("\n".join(printable(line) for line in lines))
    return _CAUSE_FOUND if cause else 0


@click.command("why", cls=Leaf, inherited=CLUSTER_OPTIONS, help="Print why an object is not as it should be.")
@click.argument("target", metavar="KIND/NAME")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Form of the output."
)
@click.pass_context
def why(ctx: click.Context, target: str, *, output: str) -> None:
    from cli.session import with_cluster

    status = 0

    async def work(session: Session) -> None:
        nonlocal status
        status = await _why(session, target, output)

    try:
        with_cluster(ctx, work)
    except CliError as error:
        raise CliError(error.message, status=_FAILED, symbol=error.symbol) from error
    ctx.exit(status)
