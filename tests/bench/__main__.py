"""Run the scenarios and print their figures beside the targets and those of an earlier run.

python -m tests.bench [--size smoke|small|full] [--only P1,P5] [--kubeconfig FILE] [--controllers CMD]
                      [--json FILE] [--plot FILE.svg] [--baseline FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tests.bench.build import build_figures
from tests.bench.releases import release_figures
from tests.bench.report import missed, read_json, table, write_json, write_plot
from tests.bench.responder import responding
from tests.bench.rig import Rig, Setting, rig
from tests.bench.scenarios import Figures, Sizes, cold_install, commit_to_applied, drift, no_op
from tests.bench.trouble import kills, preempt, starvation
from tests.bench.volume import idle, many_objects

RELEASES = "P8 Helm releases"
BUILD = "P13 build beside kubectl"
# In this order: the later ones find the objects of P1.
SCENARIOS: Mapping[str, Callable[[Rig, Sizes], Awaitable[Figures]]] = {
    "P1 cold install": cold_install,
    "P15 idle": idle,
    "P2 no-op reconcile": no_op,
    "P3 commit to applied": commit_to_applied,
    "P7 drift repair": drift,
    "P5 starvation": starvation,
    "P6 preempt": preempt,
    "P14 many objects": many_objects,
    "P16 kills": kills,
}
SIZES = {
    "smoke": Sizes(kustomizations=10, samples=5, objects=200, drifts=10, kills=5),
    "small": Sizes(kustomizations=100, samples=20, objects=1_000, drifts=100, kills=20),
    "full": Sizes(kustomizations=1_000, samples=200, objects=5_000, drifts=100, kills=200),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", choices=SIZES, default="smoke")
    parser.add_argument("--kustomizations", type=int, help="how many, instead of what the size says")
    parser.add_argument("--kubeconfig", help="an API server to measure with; a localcluster without it")
    parser.add_argument("--controllers", metavar="CMD", help="measure what this starts instead of ours")
    parser.add_argument("--counted", action="store_true", help="count our API requests in a proxy, too")
    parser.add_argument("--only", default="", help="scenarios like P3,P7; those that need P1 run it first")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--plot", type=Path, help="write an SVG there")
    parser.add_argument("--baseline", type=Path, help="figures of an earlier run, to compare with")
    chosen = parser.parse_args()
    only = {name.strip() for name in chosen.only.split(",") if name.strip()}
    baseline = read_json(chosen.baseline) if chosen.baseline else {}
    setting = Setting(chosen.kubeconfig, chosen.controllers, chosen.counted)
    results = run(_sizes(chosen), setting, only)
    print(table(results, baseline))
    if chosen.json:
        write_json(chosen.json, chosen.size, results)
    if chosen.plot:
        write_plot(chosen.plot, results)
    for figure in missed(results):
        print(f"missed: {figure}", file=sys.stderr)
    return 0


def _sizes(chosen: argparse.Namespace) -> Sizes:
    sizes = SIZES[chosen.size]
    return replace(sizes, kustomizations=chosen.kustomizations) if chosen.kustomizations else sizes


def run(sizes: Sizes, setting: Setting, only: set[str]) -> dict[str, Figures]:
    """The chosen scenarios (all without a choice) one after the other."""
    results: dict[str, Figures] = {}
    if _wanted(BUILD, only) and not setting.command:
        results[BUILD] = build_figures(100)
    if _wanted(RELEASES, only) and not setting.command:
        results[RELEASES] = asyncio.run(release_figures(min(sizes.kustomizations, 100), setting.kubeconfig))
    if any(_wanted(name, only) for name in SCENARIOS):
        results |= asyncio.run(_measure(sizes, setting, only))
    return results


def _wanted(name: str, only: set[str]) -> bool:
    return not only or name.split(maxsplit=1)[0] in only


async def _measure(sizes: Sizes, setting: Setting, only: set[str]) -> dict[str, Figures]:
    results: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        async with rig(Path(folder), setting) as machine, responding(machine):
            for name, scenario in SCENARIOS.items():
                if not _wanted(name, only) and scenario is not cold_install:
                    continue
                print(f"{name} ...", file=sys.stderr, flush=True)
                results[name] = await scenario(machine, sizes)
    return results


if __name__ == "__main__":
    sys.exit(main())
