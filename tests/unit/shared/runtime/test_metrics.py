"""The series dashboards are built on: names, labels, values."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.runtime.failure import Failure, Stalled
from shared.runtime.metrics import Metrics

CONTROLLER = {"controller": "gitrepository"}
QUEUE = {"name": "gitrepository"}
# specs/runtime.md 6.2: everything that is said to be in all controllers.
SERIES = {
    "gotk_reconcile_duration_seconds": ("histogram", {"kind", "name", "namespace"}),
    "controller_runtime_reconcile_total": ("counter", {"controller", "result"}),
    "controller_runtime_reconcile_errors_total": ("counter", {"controller"}),
    "controller_runtime_terminal_reconcile_errors_total": ("counter", {"controller"}),
    "controller_runtime_reconcile_panics_total": ("counter", {"controller"}),
    "controller_runtime_reconcile_time_seconds": ("histogram", {"controller"}),
    "controller_runtime_max_concurrent_reconciles": ("gauge", {"controller"}),
    "controller_runtime_active_workers": ("gauge", {"controller"}),
    "workqueue_depth": ("gauge", {"name"}),
    "workqueue_adds_total": ("counter", {"name"}),
    "workqueue_queue_duration_seconds": ("histogram", {"name"}),
    "workqueue_work_duration_seconds": ("histogram", {"name"}),
    "workqueue_retries_total": ("counter", {"name"}),
    "workqueue_unfinished_work_seconds": ("gauge", {"name"}),
    "workqueue_longest_running_processor_seconds": ("gauge", {"name"}),
    "rest_client_requests_total": ("counter", {"code", "host", "method"}),
    "leader_election_master_status": ("gauge", {"name"}),
    "process_resident_memory_bytes": ("gauge", set()),
    "process_cpu_seconds_total": ("counter", set()),
    "python_gc_collections_total": ("counter", {"generation"}),
}


@pytest.fixture
async def families(rig):
    """What is exported after one pass."""
    story = rig()
    story.metrics.request_observer("10.0.0.1:443")("GET", 200)
    story.metrics.leading("x-leader-election", leader=True)
    await story.create()
    async with story.running():
        await story.until(lambda: story.metric("workqueue_work_duration_seconds_count", **QUEUE) == 1)
    story.metrics.refresh()
    text = story.metrics.render().decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


async def test_every_series_of_the_contract_is_there(families):
    found = {}
    for name in SERIES:
        family = families[name.removesuffix("_total")]
        labels = {key for sample in family.samples for key in sample.labels} - {"le"}
        found[name] = (family.type, labels)
    assert found == SERIES


async def test_the_buckets_are_those_of_the_dashboards(families):
    def bounds(name):
        samples = families[name].samples
        return [float(s.labels["le"]) for s in samples if s.name.endswith("_bucket")]

    duration = [0.01, 0.0384, 0.147, 0.565, 2.17, 8.31, 31.9, 122, 469, 1800, float("inf")]
    assert bounds("gotk_reconcile_duration_seconds") == pytest.approx(duration, rel=0.01)
    assert bounds("workqueue_work_duration_seconds")[0] == 1e-8
    assert bounds("controller_runtime_reconcile_time_seconds")[-2] == 60


async def test_rates_start_at_zero(rig):
    story = rig()
    async with story.running():
        for result in ("success", "error", "requeue", "requeue_after"):
            name = "controller_runtime_reconcile_total"
            assert story.metric(name, **CONTROLLER, result=result) == 0
        for name in ("errors", "panics"):
            assert story.metric(f"controller_runtime_reconcile_{name}_total", **CONTROLLER) == 0
        assert story.metric("workqueue_adds_total", **QUEUE) == 0


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (Failure("no answer"), (1, 0, 0)),
        (Stalled("no such thing"), (1, 1, 0)),
        (ZeroDivisionError(), (1, 0, 1)),
    ],
    ids=["a failure", "a stall", "a bug"],
)
async def test_what_kind_of_failure_it_was(rig, error, counts):
    story = rig("--min-retry-delay=1h", "--max-retry-delay=1h")

    async def fail(_report):
        raise error

    story.act = fail
    await story.create()
    async with story.running():
        await story.until(
            lambda: story.metric("controller_runtime_reconcile_total", **CONTROLLER, result="error") == 1
        )
    names = ("reconcile_errors", "terminal_reconcile_errors", "reconcile_panics")
    assert tuple(story.metric(f"controller_runtime_{name}_total", **CONTROLLER) for name in names) == counts


async def test_work_in_progress_shows(rig):
    story, release = rig("--concurrent=1"), asyncio.Event()

    async def hold(report):
        await release.wait()
        raise Failure("done")

    story.act = hold
    for name in ("a", "b", "c"):
        await story.create(name)
    async with story.running():
        await story.until(lambda: len(story.passes) == 1)
        await asyncio.sleep(0.05)
        story.metrics.refresh()
        assert story.metric("workqueue_depth", **QUEUE) == 2
        assert story.metric("controller_runtime_active_workers", **CONTROLLER) == 1
        assert 0.05 <= story.metric("workqueue_longest_running_processor_seconds", **QUEUE) < 5
        release.set()


def test_the_leader_is_known_by_its_lease():
    metrics = Metrics()
    for leader in (True, False):
        metrics.leading("x", leader=leader)
        value = metrics.registry.get_sample_value("leader_election_master_status", {"name": "x"})
        assert value == int(leader)
