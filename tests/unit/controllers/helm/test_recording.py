"""What the history says after each action (specs/helm.md 8.2)."""

from __future__ import annotations

from controllers.helm import recording
from controllers.helm.recording import Written
from controllers.helm.release.record import Status
from controllers.helm.snapshots import Action, History, Snapshot, TestRun
from tests.unit.controllers.helm.releases import release

FIRST = Snapshot.of(release(1), Action.INSTALL, "sha256:aa")


def told(history: History) -> list[tuple[int, str, str]]:
    return [(item.version, item.status, item.action) for item in history]


def test_the_last_write_of_each_revision_counts() -> None:
    written = Written()
    for status in (Status.PENDING_UPGRADE, Status.DEPLOYED):
        written.note(release(2, status))
    written.note(release(1, Status.SUPERSEDED))
    assert [(item.version, item.status) for item in written.releases] == [(2, "deployed"), (1, "superseded")]
    assert written.newest == release(2)
    written.clear()
    assert written.newest is None


def test_an_upgrade_adds_its_revision_and_refreshes_the_one_before() -> None:
    found = recording.after_release(
        History((FIRST,)), [release(2), release(1, Status.SUPERSEDED)], Action.UPGRADE, "sha256:bb"
    )
    assert told(found) == [(2, "deployed", "upgrade"), (1, "superseded", "install")]
    assert [item.oci_digest for item in found] == ["sha256:bb", "sha256:aa"]
    assert all(
        item.verifies(stored)
        for item, stored in zip(found, [release(2), release(1, Status.SUPERSEDED)], strict=True)
    )


def test_what_was_written_of_unknown_revisions_is_not_remembered() -> None:
    found = recording.after_release(
        History(), [release(7), release(6, Status.SUPERSEDED)], Action.UPGRADE, ""
    )
    assert told(found) == [(7, "deployed", "upgrade")]


def test_nothing_written_means_nothing_new() -> None:
    history = History((FIRST,))
    assert recording.after_release(history, [], Action.UPGRADE, "") == history


def test_a_rollback_marks_all_that_it_touched() -> None:
    failed = Snapshot.of(release(2, Status.FAILED), Action.UPGRADE)
    found = recording.after_rollback(History((failed, FIRST)), [release(2, Status.SUPERSEDED), release(3)])
    assert told(found) == [
        (3, "deployed", "rollback"),
        (2, "superseded", "rollback"),
        (1, "deployed", "install"),
    ]


def test_an_uninstall_is_noted_where_the_revision_is_known() -> None:
    gone = release(1, Status.UNINSTALLED)
    found = recording.after_uninstall(History((FIRST,)), [gone], Action.UNINSTALL_REMEDIATION)
    assert told(found) == [(1, "uninstalled", "uninstall-remediation")]
    assert recording.after_uninstall(History(), [gone], Action.UNINSTALL) == History()


def test_results_of_tests_stay_with_their_revision() -> None:
    found = recording.after_tests(History((FIRST,)), release(1), {"t": TestRun("Failed")})
    assert found.latest is not None
    assert found.latest.failed_a_test
    assert recording.after_tests(History((FIRST,)), release(2), {}) == History((FIRST,))


def test_a_revision_that_the_process_died_over_is_known_as_ours() -> None:
    died = release(2, Status.FAILED)
    assert told(recording.after_unlock(History((FIRST,)), died, "upgrade")) == [
        (2, "failed", "upgrade"),
        (1, "deployed", "install"),
    ]
    assert told(recording.after_unlock(History(), release(1, Status.FAILED), "install")) == [
        (1, "failed", "install")
    ]


def test_a_strangers_revision_is_not_taken_for_ours() -> None:
    assert recording.after_unlock(History(), release(5, Status.FAILED), "install") == History()
    assert recording.after_unlock(History(), release(1, Status.FAILED), "") == History()
    assert recording.after_unlock(History((FIRST,)), release(9, Status.FAILED), "upgrade") == History(
        (FIRST,)
    )
