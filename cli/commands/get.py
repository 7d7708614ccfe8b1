"""`headwater get`: the state of sources and Kustomizations (specs/cli.md 3)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from cli.groups import Entry, Inherited, LazyGroup, Leaf, given
from cli.printing import Symbol, say, shortened, show, table
from cli.problems import CliError, explain, is_not_served
from cli.rendering import FORMATS, render_objects
from cli.selection import Selection, StatusSelector
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.families import Family
    from cli.session import Session
    from shared.model.meta import Object

GET_OPTIONS = (
    Inherited("-A", "--all-namespaces", is_flag=True, help="Objects of every namespace."),
    Inherited("--no-header", is_flag=True, help="Rows only."),
    Inherited("-w", "--watch", is_flag=True, help="Print every change as it happens, until --timeout."),
    Inherited("--status-selector", metavar="TYPE=STATUS", help="Only objects of that condition; != negates."),
    Inherited("-l", "--label-selector", metavar="SELECTOR", help="Only objects with these labels."),
    Inherited("-o", "--output", type=click.Choice(FORMATS), help="Form of the output; table if none."),
)
_INHERITED = (*GET_OPTIONS, *CLUSTER_OPTIONS)


@dataclass(frozen=True, slots=True)
class _View:
    """How the chosen objects are shown. `kinds`: names are preceded by their kind."""

    form: str
    header: bool
    namespaces: bool
    source: bool
    kinds: bool = False

    def columns(self) -> list[str]:
        return [
            *(["namespace"] if self.namespaces else []),
            "name",
            *(["source"] if self.source else []),
            *("revision", "suspended", "ready", "message"),
        ]

    def row(self, family: Family, obj: Object) -> list[str]:
        from cli.families import is_suspended, readiness

        metadata = obj["metadata"]
        ready, message = readiness(obj)
        return [
            *([metadata.get("namespace", "")] if self.namespaces else []),
            f"{family.kind.lower()}/{metadata['name']}" if self.kinds else metadata["name"],
            *([_source_of(obj)] if self.source else []),
            shortened(family.revision(obj)),
            str(is_suspended(obj)),
            ready,
            shortened(message),
        ]

    def table(self, family: Family, objects: Sequence[Object], *, header: bool) -> str:
        return table(self.columns(), [self.row(family, obj) for obj in objects], header=header)


def _source_of(obj: Object) -> str:
    ref = (obj.get("spec") or {}).get("sourceRef") or {}
    namespace = ref.get("namespace") or obj["metadata"].get("namespace", "")
    return f"{ref.get('kind', '')}/{namespace}/{ref.get('name', '')}"


def _selector(ctx: click.Context) -> StatusSelector | None:
    text = given(ctx, "status_selector", "")
    return StatusSelector.parse(text) if text else None


def _selection(ctx: click.Context, session: Session, name: str | None) -> Selection:
    namespace = "" if given(ctx, "all_namespaces") else session.namespace
    return Selection(namespace, name or "", given(ctx, "label_selector", ""), _selector(ctx))


def _view(ctx: click.Context, *, source: bool = False, kinds: bool = False) -> _View:
    return _View(
        form=given(ctx, "output", "table"),
        header=not given(ctx, "no_header", False),
        namespaces=bool(given(ctx, "all_namespaces")),
        source=source,
        kinds=kinds,
    )


def _get(family_name: str, ctx: click.Context, name: str | None, *, source: bool = False) -> None:
    from cli import families
    from cli.session import with_cluster

    family: Family = getattr(families, family_name)
    view, watching = _view(ctx, source=source), bool(given(ctx, "watch"))
    _selector(ctx)
    if watching and view.form != "table":
        raise CliError("--watch prints tables: leave out --output")

    async def work(session: Session) -> None:
        await _show(session, family, _selection(ctx, session, name), view, watching=watching)

    with_cluster(ctx, work, watching=watching)


async def _show(
    session: Session, family: Family, selection: Selection, view: _View, *, watching: bool
) -> None:
    from cli.changes import changes

    listing = await session.client.list(
        family.resource, selection.namespace, label_selector=selection.labels, field_selector=selection.fields
    )
    if not listing.items and not watching:
        raise selection.nothing_found(family.kind)
    if not watching:
        chosen = [obj for obj in listing.items if selection.accepts(obj)]
        if view.form == "table":
            show(view.table(family, chosen, header=view.header))
        else:
            show(render_objects(view.form, chosen, single=bool(selection.name)))
        return
    header = view.header
    async for obj in changes(
        session.client,
        family.resource,
        selection.namespace,
        labels=selection.labels,
        first=listing.items,
        version=listing.resource_version,
    ):
        if selection.accepts(obj):
            show(view.table(family, [obj], header=header))
            sys.stdout.flush()
            header = False


def _get_several(ctx: click.Context, name: str | None, chosen: str) -> None:
    from cli import families
    from cli.session import with_cluster

    if given(ctx, "watch"):
        raise CliError("expected a single resource type, but found all")
    view = _view(ctx, kinds=True)
    _selector(ctx)

    async def work(session: Session) -> None:
        await _show_several(session, getattr(families, chosen), _selection(ctx, session, name), view)

    with_cluster(ctx, work)


async def _show_several(
    session: Session, chosen: Sequence[Family], selection: Selection, view: _View
) -> None:
    """Kinds that the server does not serve are passed over; another failure is told, and the rest shown."""
    from shared.kube.errors import ApiError

    everything: list[Object] = []
    for family in chosen:
        try:
            listing = await session.client.list(
                family.resource,
                selection.namespace,
                label_selector=selection.labels,
                field_selector=selection.fields,
            )
        except ApiError as error:
            if not is_not_served(error):
                say(Symbol.FAILURE, explain(error))
            continue
        if not listing.items and selection.name:
            say(Symbol.FAILURE, selection.nothing_found(family.kind).message)
        objects = [obj for obj in listing.items if selection.accepts(obj)]
        everything += objects
        if objects and view.form == "table":
            show(view.table(family, objects, header=view.header) + "\n")
    if view.form != "table":
        show(render_objects(view.form, everything, single=False))


def _source_command(word: str, family_name: str, plural: str) -> Entry:
    @click.command(word, cls=Leaf, inherited=_INHERITED, help=f"Print {plural}.")
    @click.argument("name", required=False)
    @click.pass_context
    def command(ctx: click.Context, name: str | None) -> None:
        _get(family_name, ctx, name)

    return Entry(command, f"Print {plural}.")


def _aggregate_command(chosen: str, summary: str) -> Entry:
    @click.command("all", cls=Leaf, inherited=_INHERITED, help=summary)
    @click.argument("name", required=False)
    @click.pass_context
    def command(ctx: click.Context, name: str | None) -> None:
        _get_several(ctx, name, chosen)

    return Entry(command, summary)


@click.command("kustomizations", cls=Leaf, inherited=_INHERITED, help="Print Kustomizations.")
@click.argument("name", required=False)
@click.option("--show-source", is_flag=True, help="Add the column SOURCE.")
@click.pass_context
def kustomizations(ctx: click.Context, name: str | None, *, show_source: bool) -> None:
    _get("KUSTOMIZATIONS", ctx, name, source=show_source)


sources = LazyGroup(
    "sources",
    help="Print sources.",
    inherited=_INHERITED,
    entries={
        "git": _source_command("git", "GIT", "GitRepositories"),
        "oci": _source_command("oci", "OCI", "OCIRepositories"),
        "bucket": _source_command("bucket", "BUCKETS", "Buckets"),
        "all": _aggregate_command("SOURCES", "Print sources of every kind."),
    },
)
get = LazyGroup(
    "get",
    help="Print the state of sources and Kustomizations.",
    inherited=_INHERITED,
    entries={
        "sources": Entry(sources, "Print sources.", ("source",)),
        "kustomizations": Entry(kustomizations, "Print Kustomizations.", ("kustomization", "ks")),
        "all": _aggregate_command("ALL", "Print sources and Kustomizations."),
    },
)
