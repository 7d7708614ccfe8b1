"""Which pods of a StatefulSet come and go, and in which order."""

from __future__ import annotations

import pytest

from localcluster.controllers.ordinals import Plan, Replica, SetSpec, plan


def spec(replicas: int = 3, *, ordered: bool = True, partition: int | None = 0, start: int = 0) -> SetSpec:
    return SetSpec(start, replicas, ordered, partition, current="v1", update="v2")


def pods(*described: str, revision: str = "v2") -> dict[int, Replica]:
    """`ready`, `starting`, `stopping`, `ended` or `old` (ready, of the revision before), by ordinal."""
    return {
        at: Replica(
            at,
            "v1" if what == "old" else revision,
            healthy=what in ("ready", "old"),
            terminating=what == "stopping",
            ended=what == "ended",
        )
        for at, what in enumerate(described)
        if what
    }


@pytest.mark.parametrize(
    ("wanted", "present", "expected"),
    [
        pytest.param(spec(), pods(), Plan({0: "v2"}), id="the first one"),
        pytest.param(spec(), pods("starting"), Plan(), id="each waits for the one before"),
        pytest.param(spec(), pods("ready"), Plan({1: "v2"}), id="then the next"),
        pytest.param(
            spec(ordered=False), pods(), Plan({0: "v2", 1: "v2", 2: "v2"}), id="all at once if parallel"
        ),
        pytest.param(spec(start=4, replicas=1), {}, Plan({4: "v2"}), id="counting from where it is told"),
        pytest.param(
            spec(1), pods("ready", "ready", "ready"), Plan(delete=[2]), id="the last one goes first"
        ),
        pytest.param(spec(1), pods("ready", "ready", "stopping"), Plan(), id="one by one"),
        pytest.param(
            spec(1, ordered=False), pods("ready", "ready", "ready"), Plan(delete=[2, 1]), id="or all"
        ),
        pytest.param(spec(1), pods("ended"), Plan(delete=[0]), id="a pod that ended is made again"),
        pytest.param(spec(), pods("old", "old", "old"), Plan(delete=[2]), id="updates begin at the end"),
        pytest.param(spec(), pods("old", "old", "starting"), Plan(), id="and wait for each"),
        pytest.param(spec(), pods("old", "old", "ready"), Plan(delete=[1]), id="and go on"),
        pytest.param(spec(partition=2), pods("old", "old", "ready"), Plan(), id="down to the partition"),
        pytest.param(spec(partition=1), pods(), Plan({0: "v1"}), id="below which the old revision is made"),
        pytest.param(spec(partition=None), pods("old", "old", "old"), Plan(), id="or only by hand"),
    ],
)
def test_the_next_step(wanted: SetSpec, present: dict[int, Replica], expected: Plan) -> None:
    assert plan(wanted, present) == expected
