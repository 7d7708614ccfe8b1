"""The states of specs/helm.md 9, row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controllers.helm.digests import config_digest
from controllers.helm.release.record import Release, Status
from controllers.helm.snapshots import Action, History, Snapshot
from controllers.helm.state import IndeterminateState, State, Wanted, determine
from tests.unit.controllers.helm.releases import release

WANTED = Wanted(
    chart_name="podinfo",
    chart_version="1.2.3",
    values={"replicas": 2},
    values_digest=config_digest({"replicas": 2}),
    tests_enabled=False,
    failed_tests_count=True,
)
NOTHING = History()


def known(made: Release, **changes: Any) -> History:
    return History((replace(Snapshot.of(made, Action.INSTALL), **changes),))


def with_phase(phase: str) -> Any:
    return Snapshot.parse({"testHooks": {"t": {"phase": phase}}}).tests


@pytest.mark.parametrize(
    ("stored", "history", "wanted", "state"),
    [
        pytest.param(None, NOTHING, {}, State.ABSENT, id="nothing in storage"),
        pytest.param(None, known(release()), {}, State.ABSENT, id="somebody uninstalled it"),
        pytest.param(release(1, Status.PENDING_INSTALL), NOTHING, {}, State.LOCKED, id="install died"),
        pytest.param(
            release(2, Status.PENDING_UPGRADE), known(release()), {}, State.LOCKED, id="upgrade died"
        ),
        pytest.param(
            release(2, Status.PENDING_ROLLBACK), known(release()), {}, State.LOCKED, id="rollback died"
        ),
        pytest.param(
            release(1, Status.UNINSTALLING), known(release()), {}, State.LEAVING, id="uninstall died"
        ),
        pytest.param(
            release(1, Status.SUPERSEDED),
            known(release(1, Status.SUPERSEDED)),
            {},
            State.OUT_OF_SYNC,
            id="somebody deleted the record of the successor",
        ),
        pytest.param(release(1, Status.UNINSTALLED), NOTHING, {}, State.ABSENT, id="kept history of old"),
        pytest.param(release(), NOTHING, {}, State.UNMANAGED, id="made by somebody else"),
        pytest.param(release(2), known(release()), {}, State.UNMANAGED, id="upgraded by somebody else"),
        pytest.param(release(config={}), known(release()), {}, State.UNMANAGED, id="tampered with"),
        pytest.param(
            release(config={}),
            known(release(), api_version="v2beta2"),
            {},
            State.IN_SYNC,
            id="digest of an older kind",
        ),
        pytest.param(
            release(1, Status.FAILED), known(release(1, Status.FAILED)), {}, State.FAILED, id="failed"
        ),
        pytest.param(
            release(1, Status.UNINSTALLED),
            known(release(1, Status.UNINSTALLED)),
            {},
            State.ABSENT,
            id="removed",
        ),
        pytest.param(
            release(), known(release()), {"chart_version": "1.2.4"}, State.OUT_OF_SYNC, id="another version"
        ),
        pytest.param(
            release(), known(release()), {"chart_name": "redis"}, State.OUT_OF_SYNC, id="another chart"
        ),
        pytest.param(
            release(),
            known(release()),
            {"values": {}, "values_digest": config_digest({})},
            State.OUT_OF_SYNC,
            id="other values",
        ),
        pytest.param(
            release(),
            known(release(), config_digest=config_digest({"replicas": 2}, "sha512")),
            {},
            State.IN_SYNC,
            id="values by another algorithm",
        ),
        pytest.param(
            release(), known(release()), {"rendering_changed": "x"}, State.OUT_OF_SYNC, id="rendering"
        ),
        pytest.param(release(), known(release()), {"tests_enabled": True}, State.UNTESTED, id="untested"),
        pytest.param(
            release(),
            known(release(), tests={}),
            {"tests_enabled": True},
            State.IN_SYNC,
            id="nothing to test",
        ),
        pytest.param(
            release(),
            known(release(), tests=with_phase("Failed")),
            {"tests_enabled": True},
            State.FAILED,
            id="a test failed",
        ),
        pytest.param(
            release(),
            known(release(), tests=with_phase("Failed")),
            {"tests_enabled": True, "failed_tests_count": False},
            State.IN_SYNC,
            id="a failed test that does not count",
        ),
        pytest.param(release(), known(release()), {}, State.IN_SYNC, id="all is well"),
    ],
)
def test_states(stored: Release | None, history: History, wanted: dict[str, Any], state: State) -> None:
    assert determine(stored, history, replace(WANTED, **wanted)).state is state


def test_a_status_that_nothing_leads_on_from() -> None:
    stored = release(3, Status.UNKNOWN)
    with pytest.raises(IndeterminateState, match=r"'unknown'.*apps/web.v3"):
        determine(stored, known(stored), WANTED)
