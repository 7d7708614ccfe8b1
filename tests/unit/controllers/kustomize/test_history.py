from datetime import timedelta

from controllers.kustomize.history import Attempted, with_attempt
from shared.model.artifact import Artifact
from tests.make import NOW

ARTIFACT = Artifact("http://x", "x", "main@sha1:a", "sha256:a")


def attempted(digest="sha256:1", status="ReconciliationSucceeded", artifact=ARTIFACT):
    return Attempted(digest, status, artifact, NOW, timedelta(seconds=1.5))


def test_the_first_attempt():
    assert with_attempt([], attempted()) == [
        {
            "digest": "sha256:1",
            "firstReconciled": "2026-07-01T10:00:00Z",
            "lastReconciled": "2026-07-01T10:00:00Z",
            "lastReconciledDuration": "1.5s",
            "lastReconciledStatus": "ReconciliationSucceeded",
            "totalReconciliations": 1,
            "metadata": {"revision": "main@sha1:a"},
        }
    ]


def test_the_same_outcome_counts_up_and_moves_to_the_front():
    history = with_attempt(with_attempt([], attempted()), attempted(status="HealthCheckFailed"))
    history = with_attempt(history, attempted())
    assert [(h["lastReconciledStatus"], h["totalReconciliations"]) for h in history] == [
        ("ReconciliationSucceeded", 2),
        ("HealthCheckFailed", 1),
    ]


def test_five_are_kept():
    history = []
    for number in range(8):
        history = with_attempt(history, attempted(digest=f"sha256:{number}"))
    assert [h["digest"] for h in history] == [f"sha256:{n}" for n in (7, 6, 5, 4, 3)]


def test_the_origin_revision_is_kept_where_the_artifact_says_it():
    origin = Artifact(
        "u", "p", "1.0@sha256:a", "sha256:a", metadata={"org.opencontainers.image.revision": "main@sha1:b"}
    )
    assert with_attempt([], attempted(artifact=origin))[0]["metadata"] == {
        "revision": "1.0@sha256:a",
        "originRevision": "main@sha1:b",
    }
