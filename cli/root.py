"""The command `headwater` and the list of what it can do."""

from __future__ import annotations

import click

from cli.groups import Entry, LazyGroup
from cli.settings import CLUSTER_OPTIONS


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    if value:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"headwater version {version('headwater')}")
        except PackageNotFoundError:
            click.echo("headwater, not installed: running from a checkout")
        ctx.exit()


root = LazyGroup(
    "headwater",
    help="See, steer and check what GitOps does to a cluster. Works with Headwater and with Flux.",
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        click.Option(
            ["-v", "--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version.",
        )
    ],
    inherited=CLUSTER_OPTIONS,
    entries={
        "check": Entry("cli.commands.check:check", "Check whether the controllers can run, and do."),
        "install": Entry("cli.commands.install:install", "Install the controllers, or upgrade them."),
        "uninstall": Entry("cli.commands.uninstall:uninstall", "Remove the controllers, and no workloads."),
        "get": Entry("cli.commands.get:get", "Print the state of every kind."),
        "reconcile": Entry("cli.commands.reconcile:reconcile", "Reconcile now, and wait for the result."),
        "suspend": Entry("cli.commands.suspend:suspend", "Stop reconciling objects."),
        "resume": Entry("cli.commands.resume:resume", "Go on reconciling objects."),
        "export": Entry("cli.commands.export:export", "Print objects as manifests."),
        "delete": Entry("cli.commands.delete:delete", "Delete objects."),
        "build": Entry("cli.commands.build:build", "Print what would be applied."),
        "diff": Entry("cli.commands.diff:diff", "Print what would change in the cluster."),
        "test": Entry("cli.offline.commands:check", "Check that a whole repository builds."),
        "why": Entry("cli.commands.why:why", "Print why an object is not as it should be."),
        "tree": Entry("cli.commands.tree:tree", "Print what a Kustomization manages."),
        "events": Entry("cli.commands.events:events", "Print what happened to objects."),
        "envsubst": Entry("cli.commands.envsubst:envsubst", "Replace variables in standard input."),
        "completion": Entry("cli.commands.completion:completion", "Print a script for your shell."),
    },
)
