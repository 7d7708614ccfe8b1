"""`headwater tree`: what a Kustomization manages, and what those Kustomizations do (specs/cli.md 10.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from cli.groups import Entry, LazyGroup, Leaf
from cli.printing import printable, show
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.session import Session
    from shared.model.meta import Object, ObjectRef

_MOST_NODES = 20_000


@dataclass(slots=True)
class Node:
    ref: ObjectRef
    children: list[Node] = field(default_factory=list)

    def lines(self, lead: str = "") -> Iterator[str]:
        """The lines below this one."""
        for index, child in enumerate(self.children):
            last = index == len(self.children) - 1
            yield f"{lead}{'└── ' if last else '├── '}{child.ref}"
            yield from child.lines(lead + ("    " if last else "│   "))

    def render(self) -> Object:
        ref = self.ref
        node: Object = {
            "resource": {
                "Namespace": ref.namespace,
                "Name": ref.name,
                "GroupKind": {"Group": ref.group, "Kind": ref.kind},
            }
        }
        if self.children:
            node["resources"] = [child.render() for child in self.children]
        return node


@dataclass(slots=True)
class _Walk:
    """Each Kustomization is read once: two that manage each other end the walk, not the program."""

    session: Session
    compact: bool
    seen: set[tuple[str, str]] = field(default_factory=set)
    nodes: int = 0

    async def grow(self, node: Node, obj: Object) -> None:
        """Raises CliError and KubeError."""
        from shared.logic.inventory import InvalidEntry, Inventory
        from shared.model.kinds import KUSTOMIZATION

        self.seen.add((node.ref.namespace, node.ref.name))
        try:
            inventory = Inventory.parse((obj.get("status") or {}).get("inventory"))
        except InvalidEntry as error:
            raise CliError(f"{node.ref}: {error}") from error
        remote = bool((obj.get("spec") or {}).get("kubeConfig"))
        for ref in inventory:
            child = Node(ref)
            nested = ref.group_kind == KUSTOMIZATION.group_kind
            if nested and ref.key == node.ref.key:
                continue
            if self.compact and "toolkit.fluxcd.io" not in ref.group:
                continue
            self._count()
            node.children.append(child)
            if nested and not remote and (ref.namespace, ref.name) not in self.seen:
                found = await self.session.client.find(KUSTOMIZATION, ref.namespace, ref.name)
                if found is not None:
                    await self.grow(child, found)

    def _count(self) -> None:
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            raise CliError(
                f"the tree has more than {_MOST_NODES} objects: look at a part of it, or use --compact"
            )


async def _tree(session: Session, name: str, *, compact: bool, form: str) -> None:
    from cli.rendering import render
    from shared.model.kinds import KUSTOMIZATION
    from shared.model.meta import ObjectRef

    obj = await session.client.get(KUSTOMIZATION, session.namespace, name)
    root = Node(ObjectRef(KUSTOMIZATION.api_version, KUSTOMIZATION.kind, session.namespace, name))
    await _Walk(session, compact).grow(root, obj)
    if form == "tree":
        show(printable("\n".join([str(root.ref), *root.lines()])))
    else:
        show(render(form, root.render()))


@click.command(
    "kustomization", cls=Leaf, inherited=CLUSTER_OPTIONS, help="Print what a Kustomization manages."
)
@click.argument("name", required=False)
@click.option("--compact", is_flag=True, help="Only objects of the GitOps toolkit.")
@click.option(
    "-o", "--output", type=click.Choice(["tree", "json", "yaml"]), default="tree", help="Form of the output."
)
@click.pass_context
def kustomization(ctx: click.Context, name: str | None, *, compact: bool, output: str) -> None:
    from cli.session import with_cluster

    if not name:
        raise CliError("kustomization name is required")

    async def work(session: Session) -> None:
        await _tree(session, name, compact=compact, form=output)

    with_cluster(ctx, work)


tree = LazyGroup(
    "tree",
    help="Print what an object manages.",
    inherited=CLUSTER_OPTIONS,
    entries={"kustomization": Entry(kustomization, "Print what a Kustomization manages.", ("ks",))},
)
