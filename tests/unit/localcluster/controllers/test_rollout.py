"""How many replicas each replica set of a Deployment gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcluster.controllers.rollout import (
    Limits,
    Part,
    limits_of,
    paused_targets,
    recreate_targets,
    rolling_targets,
)


@pytest.mark.parametrize(
    ("desired", "rolling", "expected"),
    [
        pytest.param(4, {}, Limits(4, 1, 1), id="a quarter each way by default"),
        pytest.param(10, {}, Limits(10, 3, 2), id="surge is rounded up, the unavailable down"),
        pytest.param(1, {}, Limits(1, 1, 0), id="one replica is never unavailable"),
        pytest.param(3, {"maxSurge": 0, "maxUnavailable": 0}, Limits(3, 0, 1), id="something must move"),
        pytest.param(
            2, {"maxSurge": "0%", "maxUnavailable": 5}, Limits(2, 0, 2), id="no more than there are"
        ),
    ],
)
def test_limits(desired: int, rolling: dict[str, int | str], expected: Limits) -> None:
    assert limits_of(desired, rolling) == expected


def rolling(new: Part, *old: Part, desired: int = 4) -> dict[str, int]:
    return rolling_targets(Limits(desired, 1, 1), new, old)


def test_a_first_rollout_starts_all_at_once() -> None:
    assert rolling(Part("new", 0, 0, 0)) == {"new": 4}


def test_an_update_begins_with_the_surge_and_takes_what_may_be_missing() -> None:
    assert rolling(Part("new", 0, 0, 0), Part("old", 4, 4, 4)) == {"new": 1, "old": 3}


def test_no_healthy_pod_goes_before_its_successor_is_available() -> None:
    assert rolling(Part("new", 2, 2, 0), Part("old", 3, 3, 3)) == {"new": 2, "old": 3}


def test_pods_that_are_of_no_use_go_first() -> None:
    assert rolling(Part("new", 1, 1, 1), Part("bad", 2, 2, 0), Part("old", 2, 2, 2))["bad"] == 0


def test_scaling_down_in_the_middle_takes_the_old() -> None:
    assert rolling(Part("new", 4, 4, 4), Part("old", 3, 3, 3), desired=2) == {"new": 2, "old": 0}


def test_recreate_waits_until_the_old_pods_have_stopped() -> None:
    old = Part("old", 0, 2, 0)

    assert recreate_targets(3, Part("new", 0, 0, 0), [old]) == {"old": 0, "new": 0}
    assert recreate_targets(3, Part("new", 0, 0, 0), [Part("old", 0, 0, 0)]) == {"old": 0, "new": 3}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([], {}, id="nothing was made yet"),
        pytest.param([Part("a", 2, 2, 2)], {"a": 4}, id="one set is scaled"),
        pytest.param([Part("a", 2, 2, 2), Part("b", 2, 2, 2)], {}, id="enough already"),
        pytest.param([Part("a", 1, 1, 1), Part("b", 1, 1, 1)], {"b": 3}, id="the newest takes it up"),
    ],
)
def test_a_paused_deployment_scales_but_does_not_roll(parts: list[Part], expected: dict[str, int]) -> None:
    assert paused_targets(Limits(4, 1, 1), parts) == expected


@given(
    desired=st.integers(0, 12),
    surge=st.integers(0, 6),
    unavailable=st.integers(0, 12),
    sizes=st.lists(st.integers(0, 6), min_size=1, max_size=4),
)
def test_a_rollout_ends_and_keeps_its_promises(
    desired: int, surge: int, unavailable: int, sizes: list[int]
) -> None:
    """Every pod becomes available at once; then the rollout must end within its limits."""
    limits = limits_of(desired, {"maxSurge": surge, "maxUnavailable": unavailable})
    asked = {f"old-{at}": size for at, size in enumerate(sizes)} | {"new": 0}
    for _ in range(60):
        parts = {name: Part(name, count, count, count) for name, count in asked.items()}
        old = [part for name, part in parts.items() if name != "new"]
        before = sum(asked.values())
        asked = rolling_targets(limits, parts["new"], old)
        after = sum(asked.values())
        assert min(asked.values()) >= 0
        assert after <= max(before, limits.desired + limits.surge)
        # The new ones of this step are not available yet.
        assert after - max(asked["new"] - parts["new"].asked, 0) >= min(
            before, limits.desired - limits.unavailable
        )

    assert asked == dict.fromkeys(asked, 0) | {"new": desired}
