"""`headwater diff kustomization`: what a folder would change in the cluster (specs/cli.md 8.3).

Exit status: 0 no difference, 1 differences, 2 no answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.groups import Entry, Leaf
from cli.offline.options import RepositoryGroup
from cli.printing import Symbol, printable, show
from cli.problems import COULD_NOT_RUN, CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.local_build import Sources
    from cli.session import Session

_CHANGED = "identified at least one change, exiting with non-zero exit code"
_COLOURS = {
    "created": "green",
    "recreated": "yellow",
    "drifted": "yellow",
    "skipped": "yellow",
    "deleted": "red",
}


async def _diff(session: Session, sources: Sources, *, may_be_new: bool) -> bool:
    """Print, and say whether there is a difference. Raises CliError and KubeError."""
    from cli.comparison import Comparison
    from cli.loading import load
    from cli.local_build import build, parsed
    from shared.kube.apply_object import Rules
    from shared.logic.drift_ignore import IgnoreRules, InvalidIgnoreRule
    from shared.logic.inventory import InvalidEntry, Inventory
    from shared.model.meta import ObjectRef

    raw = await load(session.client, sources, may_be_new=may_be_new)
    ks = parsed(raw)
    if ks.kube_config is not None:
        raise CliError(
            "diff not supported for remote clusters: use the remote cluster's kubeconfig and a file"
        )
    try:
        rules = Rules(ks.force, IgnoreRules.parse(ks.ignore))
        inventory = Inventory.parse((raw.get("status") or {}).get("inventory"))
    except (InvalidIgnoreRule, InvalidEntry) as error:
        raise CliError(str(error)) from error
    objects = await build(raw, sources, session.client)
    verdicts = await Comparison(session.client, rules).run(objects)
    for verdict in verdicts:
        if verdict.word:
            _print(str(verdict.ref), verdict.word, verdict.detail)
    errors = [verdict.error for verdict in verdicts if verdict.error]
    if errors:
        raise CliError("; ".join(errors))
    stale = list(inventory - Inventory.of(map(ObjectRef.of, objects))) if ks.prune else []
    for ref in stale:
        _print(str(ref), "deleted", "")
    return bool(stale) or any(verdict.word not in ("", "skipped") for verdict in verdicts)


def _print(ref: str, word: str, detail: str) -> None:
    line = f"► {printable(ref)} {word}"
    click.secho(line, fg=_COLOURS.get(word))
    if detail:
        show(printable(detail) + "\n")


@click.command(
    "kustomization",
    cls=Leaf,
    inherited=CLUSTER_OPTIONS,
    help="Print what a folder would change in the cluster.",
)
@click.argument("name", required=False)
@click.option("--path", default="", metavar="DIR", help="Local folder that stands for spec.path.")
@click.option(
    "--kustomization-file",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Manifest of the Kustomization, instead of the cluster's.",
)
@click.option("--ignore-not-found", is_flag=True, help="The Kustomization may be new; needs its file.")
@click.option("--strict-substitute", is_flag=True, help="Undefined variables are errors.")
@click.pass_context
def kustomization(
    ctx: click.Context,
    name: str | None,
    *,
    path: str,
    file: Path | None,
    ignore_not_found: bool,
    strict_substitute: bool,
) -> None:
    if not name:
        raise CliError("Kustomization name is required", status=COULD_NOT_RUN)
    changed: list[bool] = []

    async def work(session: Session) -> None:
        from cli.local_build import Sources
        from shared.model.meta import ObjectKey

        sources = Sources(ObjectKey(session.namespace, name), folder, file, strict_substitute)
        changed.append(await _diff(session, sources, may_be_new=ignore_not_found))

    try:
        from cli.local_build import folder_of
        from cli.session import with_cluster

        folder = folder_of(path)
        with_cluster(ctx, work)
    except CliError as error:
        raise CliError(error.message, status=COULD_NOT_RUN) from error
    if any(changed):
        raise CliError(_CHANGED, symbol=Symbol.WARNING)


diff = RepositoryGroup(
    "diff",
    help="Print what would change in the cluster.",
    inherited=CLUSTER_OPTIONS,
    entries={
        "kustomization": Entry(kustomization, "Print what a folder would change.", ("ks",)),
        "repository": Entry("cli.offline.commands:diff", "Print what differs between two commits."),
    },
)
