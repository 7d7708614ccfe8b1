"""`headwater install`: the controllers in a cluster, or their manifests on stdout (specs/cli.md 12.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli.groups import Leaf
from cli.installing.flags import Wanted, plan_options
from cli.printing import Symbol, say, show
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.installing.plan import Plan
    from cli.session import Session


def _run(*, export: bool, force: bool, **flags: Any) -> None:
    from cli.settings import Settings

    ctx = click.get_current_context()
    settings = Settings.of(ctx)
    plan = Wanted(**flags).plan(settings.namespace)
    if export:
        from cli.installing.manifests import as_text, render

        show(as_text(plan, render(plan)))
        return
    from cli.session import with_cluster

    async def work(session: Session) -> None:
        await _install(session, plan, force=force, seconds=settings.timeout)

    with_cluster(ctx, work)


async def _install(session: Session, plan: Plan, *, force: bool, seconds: float) -> None:
    """Raises CliError and KubeError."""
    from dataclasses import replace

    from cli.installing import applying, manifests
    from cli.installing.readiness import verify

    plan = replace(plan, namespace=session.namespace)
    labels = await applying.labels_of_installation(session)
    if bootstrapped := applying.bootstrapped_version(labels):
        raise CliError(
            f"this cluster has already been bootstrapped with Flux {bootstrapped}! "
            "Please use 'headwater bootstrap' to upgrade"
        )
    manager = applying.foreign_manager(labels)
    if manager and not force:
        raise CliError(f"the controllers are managed by {manager}: upgrade them with it, or use --force")
    say(Symbol.ACTION, "generating manifests")
    objects = manifests.objects(manifests.render(plan))
    say(Symbol.SUCCESS, "manifests build completed")
    say(Symbol.ACTION, f"installing components in {session.namespace} namespace")
    await applying.apply(session, objects)
    say(Symbol.WAITING, "verifying installation")
    try:
        # A little less than the whole, so that it is told which of them is late.
        await verify(session, plan.components, seconds * 0.9)
    except CliError as error:
        raise CliError(f"install failed: {error.message}") from error
    say(Symbol.SUCCESS, "install finished")


install = Leaf(
    "install",
    callback=_run,
    help="Install the controllers, or upgrade them; what they deployed is left alone.",
    params=[
        click.Option(["--export"], is_flag=True, help="Print the manifests, and touch no cluster."),
        *plan_options(),
        click.Option(["--force"], is_flag=True, help="Even where another tool manages the controllers."),
    ],
    inherited=CLUSTER_OPTIONS,
)
