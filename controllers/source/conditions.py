"""The conditions, reasons and failures of the source kinds (spec source 2.4 and 3)."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from shared.logic.conditions import Summary
from shared.model.meta import READY, RECONCILING, STALLED
from shared.runtime.failure import Failure
from shared.runtime.report import Report

ARTIFACT_IN_STORAGE = "ArtifactInStorage"
ARTIFACT_OUTDATED = "ArtifactOutdated"
FETCH_FAILED = "FetchFailed"
STORAGE_OPERATION_FAILED = "StorageOperationFailed"
SOURCE_VERIFIED = "SourceVerified"
INCLUDE_UNAVAILABLE = "IncludeUnavailable"

_GIT_ORDER = (
    STORAGE_OPERATION_FAILED,
    FETCH_FAILED,
    INCLUDE_UNAVAILABLE,
    ARTIFACT_OUTDATED,
    ARTIFACT_IN_STORAGE,
    SOURCE_VERIFIED,
    STALLED,
    RECONCILING,
)
GIT_SUMMARY = Summary(
    order=_GIT_ORDER,
    negative=frozenset(_GIT_ORDER) - {ARTIFACT_IN_STORAGE, SOURCE_VERIFIED},
    bipolar=SOURCE_VERIFIED,
)
GIT_OWNED = frozenset({*_GIT_ORDER, READY})
GIT_FAILURES = (FETCH_FAILED, INCLUDE_UNAVAILABLE, STORAGE_OPERATION_FAILED)

_OCI_ORDER = tuple(kind for kind in _GIT_ORDER if kind != INCLUDE_UNAVAILABLE)
OCI_SUMMARY = Summary(
    order=_OCI_ORDER,
    negative=frozenset(_OCI_ORDER) - {ARTIFACT_IN_STORAGE, SOURCE_VERIFIED},
    bipolar=SOURCE_VERIFIED,
)
OCI_OWNED = frozenset({*_OCI_ORDER, READY})
OCI_FAILURES = (FETCH_FAILED, STORAGE_OPERATION_FAILED)

_BUCKET_ORDER = tuple(kind for kind in _OCI_ORDER if kind != SOURCE_VERIFIED)
BUCKET_SUMMARY = Summary(order=_BUCKET_ORDER, negative=frozenset(_BUCKET_ORDER) - {ARTIFACT_IN_STORAGE})
BUCKET_OWNED = frozenset({*_BUCKET_ORDER, READY})
BUCKET_FAILURES = OCI_FAILURES


class Reason(StrEnum):
    """Machine words that dashboards and the flux command know."""

    AUTHENTICATION_FAILED = "AuthenticationFailed"
    URL_INVALID = "URLInvalid"
    FEATURE_GATE_DISABLED = "FeatureGateDisabled"
    INVALID_PROVIDER = "InvalidProviderConfiguration"
    INVALID_STS = "InvalidSTSConfiguration"
    BUCKET_OPERATION_FAILED = "BucketOperationFailed"
    READ_OPERATION_FAILED = "ReadOperationFailed"
    OCI_PULL_FAILED = "OCIArtifactPullFailed"
    OCI_LAYER_OPERATION_FAILED = "OCIArtifactLayerOperationFailed"
    SYMLINK_UPDATE_FAILED = "SymlinkUpdateFailed"
    GIT_OPERATION_FAILED = "GitOperationFailed"
    GIT_OPERATION_SUCCEEDED = "GitOperationSucceeded"
    EMPTY_REPOSITORY = "EmptyGitRepository"
    VERIFICATION_ERROR = "VerificationError"
    INVALID_VERIFICATION_MODE = "InvalidVerificationMode"
    INVALID_GIT_OBJECT = "InvalidGitObject"
    INVALID_TAG_SIGNATURE = "InvalidTagSignature"
    INVALID_COMMIT_SIGNATURE = "InvalidCommitSignature"
    INCLUDE_NOT_FOUND = "NotFound"
    INCLUDE_NO_ARTIFACT = "NoArtifact"
    INCLUDE_CHANGE = "IncludeChange"
    NEW_REVISION = "NewRevision"
    NEW_ARTIFACT = "NewArtifact"
    UP_TO_DATE = "ArtifactUpToDate"
    ARTIFACT_VERIFICATION_FAILED = "ArtifactVerificationFailed"
    DIRECTORY_CREATION_FAILED = "DirectoryCreationFailed"
    ARCHIVE_OPERATION_FAILED = "ArchiveOperationFailed"
    COPY_FAILURE = "CopyFailure"
    SOURCE_IGNORE_ERROR = "SourceIgnoreError"
    GARBAGE_COLLECTION_SUCCEEDED = "GarbageCollectionSucceeded"
    GARBAGE_COLLECTION_FAILED = "GarbageCollectionFailed"


@contextmanager
def noting(report: Report, condition: str) -> Iterator[None]:
    """Let a failure inside the block be seen in a condition of its own, and go on upwards."""
    try:
        yield
    except Failure as failure:
        report.conditions.mark_true(condition, failure.reason, failure.message)
        raise
