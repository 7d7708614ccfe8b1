from dataclasses import replace

import pytest

from controllers.kustomize.decide import Inputs, Situation, Step, decide

OLD = Inputs(generation=1, revision="main@sha1:a", digest="sha256:a", variables="")
NEW = Inputs(generation=1, revision="main@sha1:b", digest="sha256:b", variables="")
QUIET = Situation(
    now=OLD,
    last=OLD,
    waiting_for=None,
    ready=True,
    requested=False,
    drifted=False,
    full_check_due=False,
    healthy=True,
)


@pytest.mark.parametrize(
    ("change", "step"),
    [
        pytest.param({}, Step.NOTHING, id="nothing moved"),
        pytest.param({"lasting": False}, Step.APPLY, id="nothing moved here, but perhaps a remote base"),
        pytest.param({"now": NEW}, Step.LOOK, id="new revision"),
        pytest.param({"now": NEW, "healthy": False}, Step.APPLY, id="new revision of something unhealthy"),
        pytest.param({"now": NEW, "drifted": True}, Step.APPLY, id="new revision and drift"),
        pytest.param({"now": NEW, "ready": False}, Step.APPLY, id="new revision after a failure"),
        pytest.param({"now": replace(NEW, generation=2)}, Step.APPLY, id="new revision and new spec"),
        pytest.param({"now": replace(OLD, generation=2)}, Step.APPLY, id="new spec"),
        pytest.param({"now": replace(OLD, digest="sha256:c")}, Step.LOOK, id="same revision, other content"),
        pytest.param({"now": replace(OLD, variables="x")}, Step.APPLY, id="a variable changed"),
        pytest.param({"last": None}, Step.APPLY, id="the process was restarted"),
        pytest.param({"ready": False}, Step.APPLY, id="it failed the last time"),
        pytest.param({"requested": True}, Step.APPLY, id="somebody asks"),
        pytest.param({"drifted": True}, Step.APPLY, id="drift"),
        pytest.param({"full_check_due": True}, Step.APPLY, id="the long period is over"),
        pytest.param({"healthy": False}, Step.APPLY, id="it became unhealthy"),
        pytest.param({"waiting_for": OLD, "ready": False, "last": None}, Step.WAIT, id="still waiting"),
        pytest.param({"waiting_for": OLD, "now": NEW}, Step.APPLY, id="a new revision beats waiting"),
        pytest.param({"waiting_for": OLD, "requested": True}, Step.APPLY, id="a request beats waiting"),
        pytest.param({"waiting_for": OLD, "drifted": True}, Step.APPLY, id="drift beats waiting"),
        pytest.param({"waiting_for": OLD, "full_check_due": True}, Step.WAIT, id="the full check does not"),
    ],
)
def test_what_to_do(change, step):
    assert decide(replace(QUIET, **change)) is step
