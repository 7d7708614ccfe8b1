"""`headwater reconcile`: ask a controller to work now, and wait for what comes of it (specs/cli.md 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cli.by_kind import aliases, tree
from cli.families import (
    ALERTS,
    CHART,
    EVERY,
    EXTERNAL,
    GENERATORS,
    HELM_RELEASES,
    KUSTOMIZATIONS,
    PROVIDERS,
    SOURCES,
    Family,
    family_of,
    is_static,
    is_suspended,
)
from cli.groups import Entry, Leaf
from cli.printing import Symbol, say
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.session import Session
    from shared.model.meta import Object, ObjectKey

_FORCE, _RESET = "reconcile.fluxcd.io/forceAt", "reconcile.fluxcd.io/resetAt"
# The others have no controller that would answer.
_RECONCILED = tuple(each for each in EVERY if each not in (ALERTS, PROVIDERS, EXTERNAL, GENERATORS))


async def _reconcile(
    session: Session, family: Family, key: ObjectKey, *, quoted: bool, also: Sequence[str] = ()
) -> None:
    """One object, from the request to the revision; `also` are annotations with the same value.

    Raises CliError and KubeError.
    """
    from cli.outcomes import success
    from cli.waiting import NotReconciled, handled, is_answered, until

    kind = family.kind
    obj = await session.client.get(family.resource, key.namespace, key.name)
    if is_suspended(obj):
        raise CliError("resource is suspended")
    if is_static(obj):
        say(Symbol.SUCCESS, f"{kind} {key.name} needs no reconciliation")
        return
    before = handled(obj)
    say(Symbol.ACTION, f"annotating {kind} {key.name} in {key.namespace} namespace")
    await _request(session, family, key, also)
    say(Symbol.SUCCESS, f"{kind} annotated")
    say(Symbol.WAITING, f"waiting for {kind} reconciliation")
    try:
        obj = await until(session, family, key, lambda now: is_answered(now, before))
    except NotReconciled as error:
        message = f"'{error}'" if quoted else str(error)
        raise CliError(f"{kind} reconciliation failed: {message}") from error
    say(Symbol.SUCCESS, success(family, obj))


async def _request(session: Session, family: Family, key: ObjectKey, also: Sequence[str]) -> None:
    from datetime import UTC, datetime

    from cli.session import FIELD_MANAGER
    from shared.model.meta import REQUESTED_AT

    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "000Z")
    await session.client.patch(
        family.resource,
        key.namespace,
        key.name,
        {"metadata": {"annotations": dict.fromkeys((REQUESTED_AT, *also), now)}},
        params={"fieldManager": FIELD_MANAGER},
    )


async def _with_source(
    session: Session, family: Family, name: str, *, with_source: bool, also: Sequence[str]
) -> None:
    from shared.model.meta import ObjectKey

    key = ObjectKey(session.namespace, name)
    if with_source:
        obj = await session.client.get(family.resource, key.namespace, key.name)
        if is_suspended(obj):
            raise CliError("resource is suspended")
        of, source = _source_of(obj)
        await _reconcile(session, of, source, quoted=False)
    await _reconcile(session, family, key, quoted=not _applies(family), also=also)


def _source_of(obj: Object) -> tuple[Family, ObjectKey]:
    from shared.model.meta import ObjectKey

    spec = obj["spec"]
    ref = spec.get("sourceRef") or spec.get("chartRef") or spec["chart"]["spec"]["sourceRef"]
    family = family_of(ref["kind"])
    if family is None or family not in SOURCES:
        raise CliError(f"cannot reconcile source of kind {ref['kind']}")
    return family, ObjectKey(ref.get("namespace") or obj["metadata"]["namespace"], ref["name"])


def _applies(family: Family) -> bool:
    return family in (KUSTOMIZATIONS, HELM_RELEASES)


def _command(family: Family) -> Entry:
    summary = f"Reconcile {_article(family.kind)} {family.kind} now."
    parameters: list[click.Parameter] = [click.Argument(["name"], required=False)]
    if _applies(family) or family is CHART:
        parameters.append(click.Option(["--with-source"], is_flag=True, help="Fetch its source first."))
    if family is HELM_RELEASES:
        parameters += [
            click.Option(["--force"], is_flag=True, help="Install or upgrade even if nothing changed."),
            click.Option(["--reset"], is_flag=True, help="Forget the failures that were counted."),
        ]

    def run(name: str | None, *, with_source: bool = False, force: bool = False, reset: bool = False) -> None:
        from cli.session import with_cluster

        if not name:
            raise CliError(f"{family.kind} name is required")
        also = [*([_FORCE] if force else []), *([_RESET] if reset else [])]

        async def work(session: Session) -> None:
            await _with_source(session, family, name, with_source=with_source, also=also)

        with_cluster(click.get_current_context(), work)

    command = Leaf(family.word, callback=run, help=summary, params=parameters, inherited=CLUSTER_OPTIONS)
    return Entry(command, summary, aliases(family, plural=False))


def _article(word: str) -> str:
    return "an" if word[0] in "AEIO" else "a"


reconcile = tree(
    "reconcile", "Reconcile objects now, and wait for the result.", _RECONCILED, _command, CLUSTER_OPTIONS
)
