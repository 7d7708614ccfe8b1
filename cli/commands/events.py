"""`headwater events`: what controllers said about their objects (specs/cli.md 10.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cli.groups import Leaf
from cli.printing import Symbol, say, show, table
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.session import Session
    from shared.model.meta import Object

_TYPES = ("Normal", "Warning")
# The kinds of the toolkit's API, whichever of them the cluster has.
KINDS = (
    "GitRepository",
    "OCIRepository",
    "Bucket",
    "HelmRepository",
    "HelmChart",
    "ExternalArtifact",
    "Kustomization",
    "HelmRelease",
    "Alert",
    "Provider",
    "Receiver",
    "ImageRepository",
    "ImagePolicy",
    "ImageUpdateAutomation",
    "ArtifactGenerator",
)


def parse_target(text: str) -> tuple[str, str]:
    """The kind, as the API spells it, and the name of `Kind[/name]`. Raises CliError."""
    word, _, name = text.partition("/")
    kind = next((known for known in KINDS if known.lower() == word.lower()), None)
    if kind is None:
        raise CliError(f"'{word}' is not a recognized Flux kind")
    return kind, name


def parse_types(text: str) -> frozenset[str]:
    """Raises CliError."""
    chosen = frozenset(item.strip() for item in text.split(",") if item.strip())
    for item in chosen:
        if item not in _TYPES:
            raise CliError(f"type '{item}' not supported. Supported types are Normal, Warning")
    return chosen or frozenset(_TYPES)


def last_seen(event: Mapping[str, Any], now: datetime) -> str:
    """The column LAST SEEN: an age, and for repeated events how often since when."""
    from cli.ages import age

    latest = _moment(event)
    if latest is None:
        return "<unknown>"
    shown = age((now - latest).total_seconds())
    count = (event.get("series") or {}).get("count") or event.get("count") or 1
    first = _time(event.get("firstTimestamp") or event.get("eventTime"))
    if count > 1 and first is not None:
        return f"{shown} (x{count} over {age((now - first).total_seconds())})"
    return shown


def _moment(event: Mapping[str, Any]) -> datetime | None:
    series = event.get("series") or {}
    return _time(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime"))


def _time(text: object) -> datetime | None:
    from shared.model.meta import parse_time

    return parse_time(text) if isinstance(text, str) and text else None


async def _events(session: Session, namespace: str, target: str, types: frozenset[str]) -> None:
    from shared.model.kinds import EVENT

    wanted = await _wanted(session, namespace, *parse_target(target)) if target else None
    listing = await session.client.list(EVENT, "" if wanted else namespace)
    chosen = [event for event in listing.items if _is_chosen(event, wanted, types)]
    if not chosen:
        where = f" in {namespace} namespace." if namespace else "."
        say(Symbol.FAILURE, f"No events found{where}")
        return
    epoch = datetime.fromtimestamp(0, UTC)
    chosen.sort(key=lambda event: _moment(event) or epoch)
    elsewhere = any(event["involvedObject"].get("namespace") != namespace for event in chosen)
    shows_namespace = not namespace or elsewhere
    head = [*(["namespace"] if shows_namespace else []), "last seen", "type", "reason", "object", "message"]
    now = datetime.now(UTC)
    show(table(head, [_row(event, now, namespaces=shows_namespace) for event in chosen]))


def _row(event: Object, now: datetime, *, namespaces: bool) -> list[str]:
    involved = event["involvedObject"]
    return [
        *([str(involved.get("namespace") or "")] if namespaces else []),
        last_seen(event, now),
        str(event.get("type") or ""),
        str(event.get("reason") or ""),
        f"{involved.get('kind')}/{involved.get('name')}",
        str(event.get("message") or "").strip(),
    ]


Wanted = set[tuple[str, str, str]]
"""Kinds, namespaces and names; an empty name means every one."""


def _is_chosen(event: Object, wanted: Wanted | None, types: frozenset[str]) -> bool:
    involved = event.get("involvedObject") or {}
    if event.get("type") not in types or "toolkit.fluxcd.io/" not in str(involved.get("apiVersion")):
        return False
    if wanted is None:
        return True
    kind, namespace, name = involved.get("kind"), involved.get("namespace"), involved.get("name")
    return any(
        kind == each_kind and each_name in ("", name) and each_namespace in ("", namespace)
        for each_kind, each_namespace, each_name in wanted
    )


async def _wanted(session: Session, namespace: str, kind: str, name: str) -> Wanted:
    """The object, and the source of a Kustomization. Raises KubeError."""
    from shared.model.kinds import KUSTOMIZATION

    wanted = {(kind, namespace, name)}
    if kind == KUSTOMIZATION.kind and name and namespace:
        found = await session.client.find(KUSTOMIZATION, namespace, name)
        ref = ((found or {}).get("spec") or {}).get("sourceRef") or {}
        if ref.get("name"):
            wanted.add((str(ref.get("kind")), ref.get("namespace") or namespace, str(ref["name"])))
    return wanted


@click.command(
    "events", cls=Leaf, inherited=CLUSTER_OPTIONS, help="Print what controllers said of their objects."
)
@click.option("-A", "--all-namespaces", is_flag=True, help="Events of every namespace.")
@click.option(
    "--for", "target", default="", metavar="KIND[/NAME]", help="Only of these, and of their sources."
)
@click.option("--types", default="", metavar="TYPES", help="Normal, Warning or both, separated by commas.")
@click.pass_context
def events(ctx: click.Context, *, all_namespaces: bool, target: str, types: str) -> None:
    from cli.session import with_cluster

    chosen = parse_types(types)
    if target:
        parse_target(target)

    async def work(session: Session) -> None:
        await _events(session, "" if all_namespaces else session.namespace, target, chosen)

    with_cluster(ctx, work)
