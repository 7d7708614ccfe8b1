"""The status writer: what it sends, what it merges, and that nobody's update is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kube.client import KubeClient
from shared.kube.errors import Conflict, NotFound, Unsendable
from shared.logic.conditions import merge_conditions
from shared.model.kinds import GIT_REPOSITORY
from shared.runtime.status import StatusWriter
from tests.make import condition, git_repository

OWNED = frozenset({"Ready", "Reconciling", "Stalled"})
OURS, THEIRS = sorted(OWNED), ["Audited", "Scanned"]

conditions = st.lists(
    st.builds(
        condition,
        st.sampled_from(OURS + THEIRS),
        st.sampled_from(["True", "False", "Unknown"]),
        st.sampled_from(["Succeeded", "Failed"]),
    ),
    unique_by=lambda item: item.type,
    max_size=5,
)


def by_type(items):
    return {item.type: item for item in items}


@given(before=conditions, after=conditions, latest=conditions)
def test_owned_types_end_as_we_want_them_whatever_others_did(before, after, latest):
    merged, wanted = by_type(merge_conditions(before, after, latest, OWNED)), by_type(after)
    assert {kind: merged.get(kind) for kind in OWNED} == {kind: wanted.get(kind) for kind in OWNED}


@given(before=conditions, latest=conditions)
def test_what_we_did_not_touch_stays_as_others_left_it(before, latest):
    merged = by_type(merge_conditions(before, before, latest, frozenset()))
    assert merged == by_type(latest)


@given(before=conditions, after=conditions)
def test_without_a_race_the_draft_is_what_is_written(before, after):
    assert by_type(merge_conditions(before, after, before, OWNED)) == by_type(after)


@given(before=conditions, after=conditions, latest=conditions)
def test_merging_once_more_changes_nothing(before, after, latest):
    once = merge_conditions(before, after, latest, OWNED)
    assert merge_conditions(before, after, once, OWNED) == once


@given(before=conditions, after=conditions, latest=conditions)
def test_types_are_unique_and_ours_come_first(before, after, latest):
    types = [item.type for item in merge_conditions(before, after, latest, OWNED)]
    assert len(types) == len(set(types))
    ranks = [0 if kind in OWNED else 1 for kind in types]
    assert ranks == sorted(ranks)


class Counting(KubeClient):
    """Keeps the bodies of patches, and lets a test act in front of each."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.bodies: list[dict] = []
        self.meddle = None

    async def patch(self, resource, namespace, name, patch, **options):
        self.bodies.append(patch)
        if self.meddle is not None:
            await self.meddle()
        return await super().patch(resource, namespace, name, patch, **options)


@pytest.fixture
async def counting(client):
    return Counting(client._connection)


@pytest.fixture
async def obj(git_repositories, client, namespace):
    made = git_repository(namespace=namespace)
    for field in ("uid", "resourceVersion", "generation"):
        del made["metadata"][field]
    return await client.create(GIT_REPOSITORY, made)


def writer(client):
    return StatusWriter(client, GIT_REPOSITORY, "test-controller", OWNED)


async def status_of(client, obj):
    meta = obj["metadata"]
    return (await client.get(GIT_REPOSITORY, meta["namespace"], meta["name"])).get("status") or {}


async def test_nothing_new_is_no_request(counting, obj):
    written = await writer(counting).write(obj, [condition("Ready")], {"observedGeneration": 1})
    count = len(counting.bodies)
    again = await writer(counting).write(written, [condition("Ready")], {"observedGeneration": 1})
    assert (count, len(counting.bodies), again) == (1, 1, written)


async def test_only_what_differs_is_sent(counting, obj):
    fields = {"observedGeneration": 1, "observedIgnore": "*.md"}
    written = await writer(counting).write(obj, [condition("Ready")], fields)
    fields = {"observedGeneration": 1, "observedIgnore": "*.txt"}
    await writer(counting).write(written, [condition("Ready")], fields)
    assert counting.bodies[1] == {"status": {"observedIgnore": "*.txt"}}


async def test_a_field_that_is_gone_goes(counting, client, obj):
    written = await writer(counting).write(obj, [condition("Ready")], {"lastHandledReconcileAt": "now"})
    await writer(counting).write(written, [condition("Ready")], {})
    assert "lastHandledReconcileAt" not in await status_of(client, obj)


async def test_the_writer_signs_with_its_name(client, obj):
    await writer(client).write(obj, [condition("Ready")], {})
    meta = obj["metadata"]
    live = await client.get(GIT_REPOSITORY, meta["namespace"], meta["name"])
    signed = [(entry["manager"], entry.get("subresource", "")) for entry in live["metadata"]["managedFields"]]
    assert ("test-controller", "status") in signed


async def test_a_status_without_race_never_rereads(counting, obj):
    await writer(counting).write(obj, [condition("Ready")], {"observedGeneration": 1})
    assert len(counting.bodies) == 1
    assert counting.bodies[0]["metadata"]["resourceVersion"] == obj["metadata"]["resourceVersion"]


async def test_writers_of_different_conditions_do_not_lose_any(client, obj):
    """Four writers at once, each with a type of its own."""
    kinds = [f"Check{number}" for number in range(4)]

    async def write(kind):
        own = StatusWriter(client, GIT_REPOSITORY, kind, frozenset({kind}))
        await own.write(obj, [condition(kind)], {})

    await asyncio.gather(*(write(kind) for kind in kinds))
    found = {item["type"] for item in (await status_of(client, obj))["conditions"]}
    assert found == set(kinds)


async def test_who_is_always_overtaken_gives_up(counting, client, obj):
    meta = obj["metadata"]
    turns = iter(range(100))

    async def overtake():
        note = {"metadata": {"annotations": {"turn": str(next(turns))}}}
        await client.patch(GIT_REPOSITORY, meta["namespace"], meta["name"], note)

    counting.meddle = overtake
    with pytest.raises(Conflict):
        await writer(counting).write(obj, [condition("Ready")], {})
    assert 5 <= len(counting.bodies) <= 6


async def test_an_object_that_is_gone_is_not_found(client, obj):
    await client.delete(GIT_REPOSITORY, obj["metadata"]["namespace"], obj["metadata"]["name"])
    with pytest.raises(NotFound):
        await writer(client).write(obj, [condition("Ready")], {})


async def test_values_that_json_cannot_hold_are_an_error_of_their_own(client, obj):
    for value in ("caf\udce9", 2**70):
        with pytest.raises(Unsendable):
            await writer(client).write(obj, [], {"lastHandledReconcileAt": value})


async def test_a_transition_time_is_kept_when_it_was_ours(client, obj):
    ready = condition("Ready")
    written = await writer(client).write(obj, [ready], {})
    moved = await writer(client).write(written, [replace(ready, message="other")], {})
    (item,) = moved["status"]["conditions"]
    assert (item["message"], item["lastTransitionTime"]) == ("other", "2026-01-01T00:00:00Z")
