"""`headwater build kustomization`: what the controller would apply, from a folder (specs/cli.md 8)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.groups import Entry, Leaf
from cli.offline.options import RepositoryGroup
from cli.printing import Symbol, say, show
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS, Settings

if TYPE_CHECKING:
    from cli.session import Session
    from shared.model.meta import Object


def _offline(ctx: click.Context, name: str, path: str, file: Path | None, *, strict: bool) -> None:
    from cli.local_build import Sources, build, folder_of, from_file
    from shared.model.meta import ObjectKey

    if file is None:
        raise CliError("dry-run mode requires a kustomization file: name it by --kustomization-file")
    settings = Settings.of(ctx)
    sources = Sources(ObjectKey(settings.namespace, name), folder_of(path), file, strict)
    raw = from_file(file, sources.key)
    if (raw["spec"].get("postBuild") or {}).get("substituteFrom"):
        say(Symbol.WARNING, "substituteFrom is not read in dry-run mode: its variables count as undefined")

    async def work() -> list[Object]:
        async with asyncio.timeout(settings.timeout):
            return await build(raw, sources, None)

    try:
        _print(asyncio.run(work()))
    except TimeoutError as error:
        raise CliError(f"context deadline exceeded: not built within {settings.timeout:g} s") from error


def _online(ctx: click.Context, name: str, path: str, file: Path | None, *, strict: bool) -> None:
    from cli.loading import load
    from cli.local_build import Sources, build, folder_of
    from cli.session import with_cluster
    from shared.model.meta import ObjectKey

    folder = folder_of(path)

    async def work(session: Session) -> None:
        sources = Sources(ObjectKey(session.namespace, name), folder, file, strict)
        raw = await load(session.client, sources)
        _print(await build(raw, sources, session.client))

    with_cluster(ctx, work)


def _print(objects: list[Object]) -> None:
    from shared.logic.go_yaml_write import write

    for obj in objects:
        show(write(obj) + "---")


@click.command(
    "kustomization", cls=Leaf, inherited=CLUSTER_OPTIONS, help="Print what a Kustomization would apply."
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
@click.option("--dry-run", is_flag=True, help="Without a cluster; needs --kustomization-file.")
@click.option("--strict-substitute", is_flag=True, help="Undefined variables are errors.")
@click.pass_context
def kustomization(
    ctx: click.Context,
    name: str | None,
    *,
    path: str,
    file: Path | None,
    dry_run: bool,
    strict_substitute: bool,
) -> None:
    if not name:
        raise CliError("Kustomization name is required")
    run = _offline if dry_run else _online
    run(ctx, name, path, file, strict=strict_substitute)


build = RepositoryGroup(
    "build",
    help="Print what would be applied.",
    inherited=CLUSTER_OPTIONS,
    entries={
        "kustomization": Entry(kustomization, "Print what a Kustomization would apply.", ("ks",)),
        "repository": Entry("cli.offline.commands:build", "Print what a whole repository would apply."),
    },
)
