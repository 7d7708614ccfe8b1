"""What the figures should be on two cores, from the project's demands."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.scenarios import Figures

# Scenario -> figure -> the most that it may be.
TARGETS: Mapping[str, Mapping[str, float]] = {
    "P2 no-op reconcile": {"writes": 0, "CPU ms per reconcile": 15},
    "P3 commit to applied": {"p95 s": 1},
    "P5 starvation": {"times as slow": 2},
    "P6 preempt": {"max s": 3},
    "P7 drift repair": {"seconds to all repaired": 3},
    "P8 Helm releases": {"seconds to all ready": 60, "peak MiB with its workers": 250, "no-op writes": 0},
    "P15 idle": {"all controllers: RSS MiB": 350, "all controllers: CPU %": 1},
    "P16 kills": {"stuck objects": 0},
}
# P1 is 12 seconds for a hundred and 120 for a thousand: 0.12 s for each.
SECONDS_PER_KUSTOMIZATION = 0.12


def target(scenario: str, figure: str, figures: Figures) -> float | None:
    """The most that this figure may be, or None."""
    if scenario == "P1 cold install" and figure == "seconds to all ready":
        return max(figures["Kustomizations"] * SECONDS_PER_KUSTOMIZATION, 3.0)
    return TARGETS.get(scenario, {}).get(figure)
