"""`headwater reconcile`: ask a controller to work now, and wait for what comes of it (specs/cli.md 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.groups import Entry, LazyGroup, Leaf
from cli.printing import Symbol, say
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.families import Family
    from cli.session import Session
    from shared.model.meta import Object, ObjectKey


def _source(family_name: str, ctx: click.Context, name: str | None) -> None:
    from cli import families
    from cli.session import with_cluster
    from shared.model.meta import ObjectKey

    family: Family = getattr(families, family_name)
    if not name:
        raise CliError(f"{family.kind} name is required")

    async def work(session: Session) -> None:
        await _reconcile(session, family, ObjectKey(session.namespace, name), quoted=True)

    with_cluster(ctx, work)


async def _reconcile(session: Session, family: Family, key: ObjectKey, *, quoted: bool) -> None:
    """One object, from the request to the revision. Raises CliError and KubeError."""
    from cli.families import is_suspended
    from cli.waiting import NotReconciled, handled, is_answered, until

    kind = family.kind
    obj = await session.client.get(family.resource, key.namespace, key.name)
    if is_suspended(obj):
        raise CliError("resource is suspended")
    before = handled(obj)
    say(Symbol.ACTION, f"annotating {kind} {key.name} in {key.namespace} namespace")
    await _request(session, family, key)
    say(Symbol.SUCCESS, f"{kind} annotated")
    say(Symbol.WAITING, f"waiting for {kind} reconciliation")
    try:
        obj = await until(session, family, key, lambda now: is_answered(now, before))
    except NotReconciled as error:
        message = f"'{error}'" if quoted else str(error)
        raise CliError(f"{kind} reconciliation failed: {message}") from error
    say(Symbol.SUCCESS, family.success(obj))


async def _request(session: Session, family: Family, key: ObjectKey) -> None:
    from datetime import UTC, datetime

    from cli.session import FIELD_MANAGER
    from shared.model.meta import REQUESTED_AT

    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "000Z")
    await session.client.patch(
        family.resource,
        key.namespace,
        key.name,
        {"metadata": {"annotations": {REQUESTED_AT: now}}},
        params={"fieldManager": FIELD_MANAGER},
    )


async def _reconcile_kustomization(session: Session, name: str, *, with_source: bool) -> None:
    from cli.families import KUSTOMIZATIONS, is_suspended
    from shared.model.meta import ObjectKey

    key = ObjectKey(session.namespace, name)
    if with_source:
        obj = await session.client.get(KUSTOMIZATIONS.resource, key.namespace, key.name)
        if is_suspended(obj):
            raise CliError("resource is suspended")
        family, source = _source_of(obj)
        await _reconcile(session, family, source, quoted=False)
    await _reconcile(session, KUSTOMIZATIONS, key, quoted=False)


def _source_of(obj: Object) -> tuple[Family, ObjectKey]:
    from cli.families import source_family
    from shared.model.meta import ObjectKey

    ref = obj["spec"]["sourceRef"]
    family = source_family(ref["kind"])
    if family is None:
        raise CliError(f"cannot reconcile source of kind {ref['kind']}")
    return family, ObjectKey(ref.get("namespace") or obj["metadata"]["namespace"], ref["name"])


def _source_command(word: str, family_name: str, kind: str) -> Entry:
    summary = f"Fetch {kind} now."

    @click.command(word, cls=Leaf, inherited=CLUSTER_OPTIONS, help=summary)
    @click.argument("name", required=False)
    @click.pass_context
    def command(ctx: click.Context, name: str | None) -> None:
        _source(family_name, ctx, name)

    return Entry(command, summary)


@click.command("kustomization", cls=Leaf, inherited=CLUSTER_OPTIONS, help="Apply a Kustomization now.")
@click.argument("name", required=False)
@click.option("--with-source", is_flag=True, help="Fetch its source first.")
@click.pass_context
def kustomization(ctx: click.Context, name: str | None, *, with_source: bool) -> None:
    from cli.session import with_cluster

    if not name:
        raise CliError("Kustomization name is required")

    async def work(session: Session) -> None:
        await _reconcile_kustomization(session, name, with_source=with_source)

    with_cluster(ctx, work)


source = LazyGroup(
    "source",
    help="Fetch a source now.",
    inherited=CLUSTER_OPTIONS,
    entries={
        "git": _source_command("git", "GIT", "a GitRepository"),
        "oci": _source_command("oci", "OCI", "an OCIRepository"),
        "bucket": _source_command("bucket", "BUCKETS", "a Bucket"),
    },
)
reconcile = LazyGroup(
    "reconcile",
    help="Reconcile now, and wait for the result.",
    inherited=CLUSTER_OPTIONS,
    entries={
        "source": Entry(source, "Fetch a source now."),
        "kustomization": Entry(kustomization, "Apply a Kustomization now.", ("ks",)),
    },
)
