"""The flags that `install` and `bootstrap` share, and the plan that they make (specs/cli.md 12.1)."""

from __future__ import annotations

from dataclasses import dataclass

import click

from cli.installing.plan import DEFAULT_COMPONENTS, EXTRA_COMPONENTS, Plan, chosen, split


@dataclass(frozen=True, slots=True)
class Wanted:
    """The flags as they were given."""

    components: tuple[str, ...]
    components_extra: tuple[str, ...]
    registry: str
    image_pull_secret: str
    watch_all_namespaces: bool
    log_level: str
    network_policy: bool
    cluster_domain: str
    toleration_keys: tuple[str, ...]

    def plan(self, namespace: str) -> Plan:
        """Raises CliError."""
        return Plan(
            components=chosen(self.components, self.components_extra),
            namespace=namespace,
            registry=self.registry,
            pull_secret=self.image_pull_secret,
            watch_all=self.watch_all_namespaces,
            log_level=self.log_level,
            network_policy=self.network_policy,
            cluster_domain=self.cluster_domain,
            toleration_keys=tuple(split(self.toleration_keys)),
        )


def component_options() -> list[click.Option]:
    return [
        click.Option(
            ["--components"],
            multiple=True,
            default=[",".join(DEFAULT_COMPONENTS)],
            metavar="LIST",
            show_default=True,
            help="Controllers, separated by commas.",
        ),
        click.Option(
            ["--components-extra"],
            multiple=True,
            metavar="LIST",
            help=f"Controllers on top of these: {', '.join(EXTRA_COMPONENTS)}.",
        ),
    ]


def plan_options() -> list[click.Option]:
    return [
        *component_options(),
        click.Option(
            ["--registry"], default="", metavar="HOST/PATH", help="Registry that the image is pulled from."
        ),
        click.Option(
            ["--image-pull-secret"], default="", metavar="NAME", help="Secret that the image is pulled with."
        ),
        _switch("--watch-all-namespaces", "Reconcile objects of all namespaces."),
        click.Option(
            ["--log-level"], default="info", metavar="LEVEL", help="debug, info or error; info if none."
        ),
        _switch("--network-policy", "Let only what must reach the controllers."),
        click.Option(
            ["--cluster-domain"], default="cluster.local", metavar="NAME", help="Domain of the cluster's DNS."
        ),
        click.Option(
            ["--toleration-keys"], multiple=True, metavar="LIST", help="Taints that the pods put up with."
        ),
    ]


def _switch(flag: str, text: str) -> click.Option:
    """On unless `--flag=false`."""
    return click.Option([flag], type=bool, default=True, metavar="BOOL", help=f"{text} True if none.")
