"""What the history remembers, and where it leads back to."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.helm.release.record import HookPhase, Info, Status
from controllers.helm.snapshots import Action, History, Snapshot, TestRun, results_of
from tests.unit.controllers.helm.releases import release, test_hook

FAILED_TEST = {"t": TestRun("Failed")}


def snapshot(version: int, status: str = "deployed", tests: Any = None) -> Snapshot:
    made = Snapshot.of(release(version, Status(status)), Action.UPGRADE)
    return Snapshot.parse(made.render() | ({"testHooks": tests} if tests is not None else {}))


def history(*items: tuple[Any, ...]) -> History:
    return History.of(snapshot(*item) for item in items)


def versions(found: History) -> list[int]:
    return [item.version for item in found]


def test_a_snapshot_survives_the_status() -> None:
    made = Snapshot.of(release(), Action.INSTALL, "sha256:abc")
    raw = made.render()
    assert Snapshot.parse(raw) == made
    assert raw["firstDeployed"] == "2026-01-02T03:04:05Z"
    assert (raw["action"], raw["apiVersion"], raw["appVersion"]) == ("install", "v2", "6")
    assert "testHooks" not in raw
    assert "deleted" not in raw


def test_no_tests_is_not_the_same_as_not_tested() -> None:
    none, empty = snapshot(1), snapshot(1, tests={})
    assert (none.was_tested, empty.was_tested) == (False, True)
    assert empty.render()["testHooks"] == {}


@pytest.mark.parametrize(
    ("phases", "tested"),
    [
        (["Succeeded", "Succeeded"], True),
        (["Failed", "Running"], True),
        (["Succeeded", "Running"], False),
        ([""], False),
    ],
)
def test_when_a_release_counts_as_tested(phases: list[str], tested: bool) -> None:
    tests = {f"t{number}": {"phase": phase} for number, phase in enumerate(phases)}
    assert snapshot(1, tests=tests).was_tested is tested


def test_verification_is_by_digest_but_for_old_ones() -> None:
    made = Snapshot.of(release(), Action.INSTALL)
    assert made.verifies(release())
    assert not made.verifies(release(config={}))
    old = Snapshot.parse(made.render() | {"apiVersion": "v2beta2", "digest": "sha256:old"})
    assert old.verifies(release(config={}))


@pytest.mark.parametrize(
    ("items", "previous"),
    [
        ([(1,)], None),
        ([(2, "failed"), (1, "superseded")], 1),
        ([(3, "failed"), (2, "failed"), (1, "deployed")], 1),
        ([(2, "failed"), (1, "uninstalled")], None),
        ([(3, "failed"), (2, "superseded", {"t": {"phase": "Failed"}}), (1, "superseded")], 1),
    ],
)
def test_previous(items: list[tuple[Any, ...]], previous: int | None) -> None:
    found = history(*items).previous(ignore_tests=False)
    assert (found.version if found else None) == previous


def test_failed_tests_may_be_ignored() -> None:
    items = [(2, "failed"), (1, "superseded", {"t": {"phase": "Failed"}})]
    found = history(*items)
    assert found.previous(ignore_tests=False) is None
    assert found.previous(ignore_tests=True) is not None


def test_truncation_keeps_the_way_back() -> None:
    found = history(*[(number, "superseded") for number in range(1, 8)])
    assert versions(found.truncated(ignore_tests=False)) == [7, 6]
    failed = history(*[(number, "failed") for number in range(1, 8)])
    assert versions(failed.truncated(ignore_tests=False)) == [7, 6, 5, 4, 3]
    assert versions(found.last_five()) == [7, 6, 5, 4, 3]


def test_replacing_and_refreshing() -> None:
    tested = Snapshot.parse(Snapshot.of(release(), Action.INSTALL, "sha256:a").render() | {"testHooks": {}})
    superseded = tested.refreshed(release(status=Status.SUPERSEDED), Action.ROLLBACK, "sha256")
    assert (superseded.status, superseded.tests, superseded.oci_digest) == ("superseded", {}, "sha256:a")
    found = history((1,), (2,)).replacing(superseded)
    assert versions(found) == [2, 1]
    assert found.snapshots[1].action == "rollback"


def test_results_of_tests() -> None:
    tested = release(hooks=(test_hook("a", HookPhase.SUCCEEDED), test_hook("b", HookPhase.FAILED)))
    moment = "2026-01-02T03:04:05Z"
    assert results_of(tested, ["b"]) == {"b": TestRun("Failed", moment, moment)}


def test_a_record_without_times_still_makes_a_valid_snapshot() -> None:
    """Somebody else may have written it; the schema of the status demands both."""
    raw = Snapshot.of(release(info=Info(Status.DEPLOYED)), Action.UPGRADE).render()
    assert (raw["firstDeployed"], raw["lastDeployed"]) == ("0001-01-01T00:00:00Z",) * 2
