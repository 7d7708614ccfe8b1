"""Run the scenarios and print their figures beside those of an earlier run.

python -m tests.bench [--size smoke|small|full] [--kubeconfig FILE] [--json FILE] [--baseline FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.bench.build import build_figures
from tests.bench.releases import release_figures
from tests.bench.rig import rig
from tests.bench.scenarios import SCENARIOS, Figures, Sizes

BUILD = "P13 build beside kubectl"
RELEASES = "P14 Helm releases"
SIZES = {
    "smoke": Sizes(kustomizations=10, samples=5, objects=200),
    "small": Sizes(kustomizations=100, samples=20, objects=1_000),
    "full": Sizes(kustomizations=1_000, samples=200, objects=5_000),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="smoke")
    parser.add_argument("--kubeconfig", help="an API server to measure with; a localcluster without it")
    parser.add_argument("--only", default="", help="part of a scenario's name; P1 always runs first")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--baseline", type=Path, help="figures of an earlier run, to compare with")
    chosen = parser.parse_args()
    baseline = json.loads(chosen.baseline.read_text()) if chosen.baseline else {}
    results: dict[str, Figures] = {}
    if chosen.only in BUILD:
        results[BUILD] = build_figures(100)
    if chosen.only in RELEASES:
        count = min(SIZES[chosen.size].kustomizations, 100)
        results[RELEASES] = asyncio.run(release_figures(count, chosen.kubeconfig))
    if not chosen.only or (chosen.only not in BUILD and chosen.only not in RELEASES):
        results |= asyncio.run(_measure(SIZES[chosen.size], chosen.kubeconfig, chosen.only))
    _print(results, baseline)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


async def _measure(sizes: Sizes, kubeconfig: str | None, only: str) -> dict[str, Figures]:
    results: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        async with rig(Path(folder), kubeconfig) as machine:
            for name, scenario in SCENARIOS.items():
                if only not in name and not name.startswith("P1 "):
                    continue
                print(f"{name} ...", file=sys.stderr, flush=True)
                results[name] = await scenario(machine, sizes)
    return results


def _print(results: Mapping[str, Figures], baseline: Mapping[str, Figures]) -> None:
    for name, figures in results.items():
        print(f"\n{name}")
        for what, value in figures.items():
            before = baseline.get(name, {}).get(what)
            trend = f"   was {before:10.3f}" if before is not None else ""
            print(f"  {what:<44}{value:10.3f}{trend}")


if __name__ == "__main__":
    sys.exit(main())
