"""The conditions and reasons of HelmRepository and HelmChart (spec source 2.4, 3 and 11.6)."""

from enum import StrEnum

from controllers.source.conditions import (
    ARTIFACT_IN_STORAGE,
    ARTIFACT_OUTDATED,
    FETCH_FAILED,
    SOURCE_VERIFIED,
    STORAGE_OPERATION_FAILED,
)
from shared.logic.conditions import Summary
from shared.model.meta import READY, RECONCILING, STALLED

BUILD_FAILED = "BuildFailed"

_CHART_ORDER = (
    STORAGE_OPERATION_FAILED,
    FETCH_FAILED,
    BUILD_FAILED,
    ARTIFACT_OUTDATED,
    ARTIFACT_IN_STORAGE,
    SOURCE_VERIFIED,
    STALLED,
    RECONCILING,
)
CHART_SUMMARY = Summary(
    order=_CHART_ORDER,
    negative=frozenset(_CHART_ORDER) - {ARTIFACT_IN_STORAGE, SOURCE_VERIFIED},
    bipolar=SOURCE_VERIFIED,
)
CHART_OWNED = frozenset({*_CHART_ORDER, READY})
CHART_FAILURES = (FETCH_FAILED, BUILD_FAILED, STORAGE_OPERATION_FAILED)

_REPOSITORY_ORDER = tuple(kind for kind in _CHART_ORDER if kind not in (BUILD_FAILED, SOURCE_VERIFIED))
REPOSITORY_SUMMARY = Summary(
    order=_REPOSITORY_ORDER, negative=frozenset(_REPOSITORY_ORDER) - {ARTIFACT_IN_STORAGE}
)
REPOSITORY_OWNED = frozenset({*_REPOSITORY_ORDER, READY})
REPOSITORY_FAILURES = (FETCH_FAILED, STORAGE_OPERATION_FAILED)


class ChartReason(StrEnum):
    """Machine words of these kinds alone."""

    INDEXATION_FAILED = "IndexationFailed"
    SOURCE_UNAVAILABLE = "SourceUnavailable"
    UNSUPPORTED_SOURCE_KIND = "UnsupportedSourceKind"
    NO_SOURCE_ARTIFACT = "NoSourceArtifact"
    NEW_CHART = "NewChart"
    PULLED = "ChartPullSucceeded"
    PACKAGED = "ChartPackageSucceeded"
    RESOLVED_DEPENDENCIES = "ResolvedDependencies"
    CACHE_OPERATION_FAILED = "CacheOperationFailed"
    UNKNOWN = "Unknown"
    INVALID_REFERENCE = "InvalidChartReference"
    PULL_ERROR = "ChartPullError"
    METADATA_PATCH_ERROR = "MetadataPatchError"
    VALUES_FILES_ERROR = "ValuesFilesError"
    DEPENDENCY_BUILD_ERROR = "DependencyBuildError"
    PACKAGE_ERROR = "ChartPackageError"
    VERIFICATION_ERROR = "ChartVerificationError"
