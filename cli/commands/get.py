"""`headwater get`: the state of every kind (specs/cli.md 3)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cli.by_kind import aliases, listing_tree
from cli.families import ALL, EVERY, HELM_RELEASES, IMAGES, KUSTOMIZATIONS, SOURCES, Family
from cli.groups import Entry, Inherited, Leaf, given
from cli.printing import Symbol, say, show
from cli.problems import CliError, explain, is_not_served
from cli.rendering import FORMATS, render_objects
from cli.selection import Selection, StatusSelector
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.columns import View
    from cli.session import Session
    from shared.model.meta import Object

_FORMS = (*FORMATS, "wide")
GET_OPTIONS = (
    Inherited("-A", "--all-namespaces", is_flag=True, help="Objects of every namespace."),
    Inherited("--no-header", is_flag=True, help="Rows only."),
    Inherited("-w", "--watch", is_flag=True, help="Print every change as it happens, until --timeout."),
    Inherited("--status-selector", metavar="TYPE=STATUS", help="Only objects of that condition; != negates."),
    Inherited("-l", "--label-selector", metavar="SELECTOR", help="Only objects with these labels."),
    Inherited("-o", "--output", type=click.Choice(_FORMS), help="Form of the output; table if none."),
)
_INHERITED = (*GET_OPTIONS, *CLUSTER_OPTIONS)


def _selector(ctx: click.Context) -> StatusSelector | None:
    text = given(ctx, "status_selector", "")
    return StatusSelector.parse(text) if text else None


def _selection(ctx: click.Context, session: Session, name: str | None) -> Selection:
    namespace = "" if given(ctx, "all_namespaces") else session.namespace
    return Selection(namespace, name or "", given(ctx, "label_selector", ""), _selector(ctx))


def _view(ctx: click.Context, *, source: bool = False, kinds: bool = False) -> View:
    from cli.columns import View

    return View(
        form=given(ctx, "output", "table"),
        header=not given(ctx, "no_header", False),
        namespaces=bool(given(ctx, "all_namespaces")),
        source=source,
        kinds=kinds,
    )


def _get(family: Family, ctx: click.Context, name: str | None, *, source: bool = False) -> None:
    from cli.session import with_cluster

    view, watching = _view(ctx, source=source), bool(given(ctx, "watch"))
    _selector(ctx)
    if watching and not view.is_table:
        raise CliError("--watch prints tables: leave out --output")

    async def work(session: Session) -> None:
        await _show(session, family, _selection(ctx, session, name), view, watching=watching)

    with_cluster(ctx, work, watching=watching)


async def _show(
    session: Session, family: Family, selection: Selection, view: View, *, watching: bool
) -> None:
    from cli.changes import changes

    listing = await session.client.list(
        family.resource, selection.namespace, label_selector=selection.labels, field_selector=selection.fields
    )
    if not listing.items and not watching:
        raise selection.nothing_found(family.kind)
    if not watching:
        chosen = [obj for obj in listing.items if selection.accepts(obj)]
        if view.is_table:
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


def _get_several(ctx: click.Context, name: str | None, chosen: Sequence[Family]) -> None:
    from cli.session import with_cluster

    if given(ctx, "watch"):
        raise CliError("expected a single resource type, but found all")
    view = _view(ctx, kinds=True)
    _selector(ctx)

    async def work(session: Session) -> None:
        await _show_several(session, chosen, _selection(ctx, session, name), view)

    with_cluster(ctx, work)


async def _show_several(session: Session, chosen: Sequence[Family], selection: Selection, view: View) -> None:
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
        if objects and view.is_table:
            show(view.table(family, objects, header=view.header) + "\n")
    if not view.is_table:
        show(render_objects(view.form, everything, single=False))


def _command(family: Family) -> Entry:
    summary = f"Print {family.plural}."
    parameters: list[click.Parameter] = [click.Argument(["name"], required=False)]
    sourced = family in (KUSTOMIZATIONS, HELM_RELEASES)
    if sourced:
        parameters.append(click.Option(["--show-source"], is_flag=True, help="Add the column SOURCE."))

    def run(name: str | None, *, show_source: bool = False) -> None:
        _get(family, click.get_current_context(), name, source=show_source)

    command = Leaf(family.shown, callback=run, help=summary, params=parameters, inherited=_INHERITED)
    return Entry(command, summary, aliases(family, plural=True))


def _several(chosen: Sequence[Family], what: str) -> Entry:
    summary = f"Print {what}."

    def run(name: str | None) -> None:
        _get_several(click.get_current_context(), name, chosen)

    argument = click.Argument(["name"], required=False)
    return Entry(Leaf("all", callback=run, help=summary, params=[argument], inherited=_INHERITED), summary)


get = listing_tree(
    "get",
    "Print the state of objects.",
    EVERY,
    _command,
    _INHERITED,
    several={
        "source": _several(SOURCES, "sources of every kind"),
        "image": _several(IMAGES, "all objects for images"),
        "": _several(ALL, "objects of every kind"),
    },
)
