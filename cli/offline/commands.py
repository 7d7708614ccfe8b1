"""`headwater build|diff|test PATH`: a whole repository, without a cluster."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.groups import Leaf
from cli.offline.options import request_of, run, shared_options
from cli.printing import Symbol, say, show
from cli.problems import COULD_NOT_RUN, CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.offline.kustomizations import Problem
    from cli.offline.repository import Outcome, Request


def _tell(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        say(Symbol.FAILURE, f"{problem.owner}: {problem.message}")


@click.command("repository", cls=Leaf, inherited=CLUSTER_OPTIONS, help="Print what a repository would apply.")
@shared_options
@click.option(
    "-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", help="Format of the objects."
)
@click.pass_context
def build(ctx: click.Context, /, *, output: str, **given: Any) -> None:
    from cli.offline.report import manifests, manifests_json

    outcome = run(ctx, request_of(given))
    if output == "json":
        show(manifests_json(outcome.applied, outcome.problems))
    elif outcome.applied:
        show(manifests(outcome.applied))
    _tell(outcome.problems)
    if outcome.problems:
        raise CliError(f"{len(outcome.problems)} problems")


@click.command("test", cls=Leaf, inherited=CLUSTER_OPTIONS, help="Check that a whole repository builds.")
@shared_options
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "junit"]),
    default="text",
    help="Format of the result.",
)
@click.pass_context
def check(ctx: click.Context, /, *, output: str, **given: Any) -> None:
    from cli.offline.report import junit, manifests_json

    outcome = run(ctx, request_of(given))
    if output == "junit":
        show(junit(outcome.owners, outcome.problems))
    elif output == "json":
        show(manifests_json((), outcome.problems))
    _tell(outcome.problems)
    if outcome.problems:
        raise CliError(
            f"{len(outcome.problems)} problems in {len(outcome.owners)} of the repository's owners"
        )
    say(Symbol.SUCCESS, f"{len(outcome.applied)} objects of {len(outcome.owners)} owners build")


@click.command(
    "repository", cls=Leaf, inherited=CLUSTER_OPTIONS, help="Print what differs between two commits."
)
@shared_options
@click.option("--from", "old", metavar="REV", default="HEAD", help="Commit to compare with; HEAD if none.")
@click.option(
    "--to", "new", metavar="REV", default="", help="Commit to look at; the files as they are if none."
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    help="Format of the difference.",
)
@click.pass_context
def diff(ctx: click.Context, /, *, old: str, new: str, output: str, **given: Any) -> None:
    try:
        request = request_of(given)
        before, after = _at(ctx, request, old), _at(ctx, request, new)
    except CliError as error:
        raise CliError(error.message, status=COULD_NOT_RUN) from error
    _report(before, after, output)


def _at(ctx: click.Context, request: Request, revision: str) -> Outcome:
    """The build of that commit, or of the files as they are."""
    if not revision:
        return run(ctx, request)
    from cli.offline.repository import Outcome
    from cli.offline.revisions import export

    with tempfile.TemporaryDirectory(prefix="headwater-") as scratch:
        root = Path(scratch).resolve()
        export(request.root, revision, root)
        folder = root / request.folder.relative_to(request.root)
        if not folder.is_dir():
            return Outcome((), ())
        return run(ctx, replace(request, root=root, folder=folder))


def _report(before: Outcome, after: Outcome, output: str) -> None:
    """Exit status 0 without a difference, 1 with one, 2 where the newer files do not build."""
    from cli.offline.report import changes, changes_json, changes_markdown, changes_text

    found = changes(before.applied, after.applied)
    if output == "json":
        show(changes_json(found, after.problems))
    elif output == "markdown":
        show(changes_markdown(found, after.problems))
    elif found:
        show(changes_text(found))
    _tell(after.problems)
    if after.problems:
        raise CliError(f"{len(after.problems)} problems: the difference is not whole", status=COULD_NOT_RUN)
    if before.problems:
        raise CliError("the older files do not build: the difference is not whole", status=COULD_NOT_RUN)
    if found:
        raise CliError(f"{len(found)} objects change", symbol=Symbol.WARNING)
