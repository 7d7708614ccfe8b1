"""`headwater check`: can controllers run here, and do they (specs/cli.md 11)?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from cli.groups import Leaf
from cli.installing.flags import component_options
from cli.printing import Symbol, say
from cli.problems import CliError
from cli.settings import CLUSTER_OPTIONS

if TYPE_CHECKING:
    from cli.session import Session

_OLDEST = (1, 33)
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def _run(*, pre: bool, components: tuple[str, ...], components_extra: tuple[str, ...]) -> None:
    from cli.installing.plan import chosen
    from cli.session import with_cluster

    ctx = click.get_current_context()
    given = ctx.get_parameter_source("components") == click.core.ParameterSource.COMMANDLINE
    wanted = chosen(components if given else (), components_extra) if given or components_extra else ()

    async def work(session: Session) -> None:
        good = await _prerequisites(session)
        if pre:
            _end("prerequisites checks passed", good=good)
            return
        good = await _controllers(session, wanted) and good
        good = await _definitions(session) and good
        _end("all checks passed", good=good)

    with_cluster(ctx, work)


def _end(text: str, *, good: bool) -> None:
    if not good:
        raise CliError("check failed")
    say(Symbol.SUCCESS, text)


async def _prerequisites(session: Session) -> bool:
    say(Symbol.ACTION, "checking prerequisites")
    answer = await session.client.request("GET", "/version")
    good, text = supported(str(answer.get("gitVersion")))
    say(Symbol.SUCCESS if good else Symbol.FAILURE, text)
    return good


def supported(version: str) -> tuple[bool, str]:
    """Is this version of Kubernetes new enough? And the line that says so."""
    oldest = f">={_OLDEST[0]}.{_OLDEST[1]}.0-0"
    found = _VERSION.match(version)
    if found is None:
        return False, f"Kubernetes version {version} cannot be read"
    shown = found[0].removeprefix("v")
    if (int(found[1]), int(found[2])) < _OLDEST:
        return False, f"Kubernetes version {shown} does not match {oldest}"
    return True, f"Kubernetes {shown} {oldest}"


async def _controllers(session: Session, wanted: tuple[str, ...]) -> bool:
    from cli.installing.applying import bootstrapped_version, labels_of_installation
    from cli.installing.readiness import PART_OF, deployments, is_ready

    say(Symbol.ACTION, "checking version in cluster")
    labels = await labels_of_installation(session)
    say(Symbol.SUCCESS, f"distribution: flux-{labels.get('app.kubernetes.io/version', 'unknown')}")
    say(Symbol.SUCCESS, f"bootstrapped: {str(bootstrapped_version(labels) is not None).lower()}")
    say(Symbol.ACTION, "checking controllers")
    found = {one["metadata"]["name"]: one for one in await deployments(session)}
    if not found:
        where = f"'{session.namespace}' namespace with the label selector '{PART_OF}'"
        say(Symbol.FAILURE, f"no controllers found in the {where}")
        return False
    good = True
    for name in sorted({*found, *wanted}):
        ready = name in found and is_ready(found[name])
        good = good and ready
        say(
            Symbol.SUCCESS if ready else Symbol.FAILURE,
            f"{name}: deployment {'ready' if ready else 'not ready' if name in found else 'not found'}",
        )
        if name in found:
            for container in found[name]["spec"]["template"]["spec"]["containers"]:
                say(Symbol.ACTION, container["image"])
    return good


async def _definitions(session: Session) -> bool:
    from cli.installing.applying import CRD
    from cli.installing.readiness import PART_OF

    say(Symbol.ACTION, "checking crds")
    found = (await session.client.list(CRD, label_selector=PART_OF)).items
    if not found:
        say(Symbol.FAILURE, f"no crds found with the label selector '{PART_OF}'")
    good = bool(found)
    for crd in found:
        name, stored = crd["metadata"]["name"], (crd.get("status") or {}).get("storedVersions") or []
        if stored:
            say(Symbol.SUCCESS, f"{name}/{stored[-1]}")
        else:
            good = False
            say(Symbol.FAILURE, f"no stored versions for {name}")
    return good


check = Leaf(
    "check",
    callback=_run,
    help="Check whether the cluster is fit for the controllers, and whether they run.",
    params=[
        click.Option(["--pre"], is_flag=True, help="Only what must be so before an installation."),
        *component_options(),
    ],
    inherited=CLUSTER_OPTIONS,
)
