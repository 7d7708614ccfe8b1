"""`headwater export`: objects as manifests that can be committed (specs/cli.md 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli.by_kind import aliases, tree
from cli.families import EVERY, Family
from cli.groups import Entry, Leaf
from cli.printing import show
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.session import Session
    from shared.model.meta import Object

_KEPT = ("name", "namespace", "labels", "annotations")


def exported(obj: Object) -> dict[str, Any]:
    """What of an object belongs into a repository."""
    metadata = {key: obj["metadata"][key] for key in _KEPT if obj["metadata"].get(key)}
    shown = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}
    return {**shown, "spec": obj.get("spec") or {}}


def exported_secret(secret: Object) -> dict[str, Any]:
    metadata = {key: secret["metadata"][key] for key in ("name", "namespace")}
    shown = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    return {**shown, "data": secret.get("data") or {}, "type": secret.get("type", "Opaque")}


async def _export(
    session: Session, family: Family, name: str, *, everything: bool, credentials: bool
) -> None:
    from shared.model.kinds import SECRET

    if everything:
        found = (await session.client.list(family.resource, session.namespace)).items
        if not found:
            raise CliError(f"no objects found in {session.namespace} namespace")
    else:
        found = [await session.client.get(family.resource, session.namespace, name)]
    for obj in found:
        _print(exported({"apiVersion": family.resource.api_version, "kind": family.kind, **obj}))
        secret = ((obj.get("spec") or {}).get("secretRef") or {}).get("name", "")
        if credentials and secret:
            _print(exported_secret(await session.client.get(SECRET, session.namespace, secret)))


def _print(document: dict[str, Any]) -> None:
    from shared.logic.go_yaml_write import write

    show("---\n" + write(document))


def _command(family: Family) -> Entry:
    summary = f"Print {family.plural} as manifests."
    parameters: list[click.Parameter] = [
        click.Argument(["name"], required=False),
        click.Option(["--all", "everything"], is_flag=True, help="All of them in the namespace."),
    ]
    if family.group == "source":
        parameters.append(
            click.Option(["--with-credentials"], is_flag=True, help="Print the Secrets they name, too.")
        )

    def run(name: str | None, *, everything: bool, with_credentials: bool = False) -> None:
        from cli.session import with_cluster

        if not name and not everything:
            raise CliError("name is required")

        async def work(session: Session) -> None:
            await _export(session, family, name or "", everything=everything, credentials=with_credentials)

        with_cluster(click.get_current_context(), work)

    command = Leaf(family.word, callback=run, help=summary, params=parameters, inherited=CLUSTER_OPTIONS)
    return Entry(command, summary, aliases(family, plural=False))


export = tree("export", "Print objects as manifests.", EVERY, _command, CLUSTER_OPTIONS)
