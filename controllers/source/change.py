"""Whether an artifact must be made anew although its commit did not move (spec source 8.4): pure."""

from collections.abc import Sequence

from shared.model.artifact import Artifact
from shared.model.source import GitRepository, VerificationMode


def content_changed(repo: GitRepository, included: Sequence[Artifact]) -> bool:
    """Whether the spec or an included artifact differ from what was stored."""
    return repo.content != repo.observed or included_changed(repo.included_artifacts, included)


def included_changed(stored: Sequence[Artifact], now: Sequence[Artifact]) -> bool:
    """Whether the included artifacts are others, by revision or digest, in order."""
    return [(a.revision, a.digest) for a in stored] != [(a.revision, a.digest) for a in now]


def verification_wanted(repo: GitRepository) -> bool:
    """Whether a signature has to be checked that was not; having checked both satisfies any mode."""
    if repo.verification is None or repo.verified_mode is VerificationMode.TAG_AND_HEAD:
        return False
    return repo.verification.mode is not repo.verified_mode


def has_revision(artifact: Artifact | None, revision: str) -> bool:
    return artifact is not None and artifact.revision == revision
