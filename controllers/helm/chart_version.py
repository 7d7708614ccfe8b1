"""The version a release records for a chart that came from a registry (specs/helm.md 7.3). Pure.

Its build metadata is the digest of the artifact, so that a moved tag is an upgrade like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from controllers.helm.failures import ChartVersionFailed
from shared.logic.semver import InvalidVersion, Version
from shared.model.kinds import EXTERNAL_ARTIFACT, OCI_REPOSITORY

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Recorded:
    """The version to record, and the digest of the artifact, empty where it has none."""

    version: str
    digest: str = ""


def recorded_version(kind: str, revision: str, chart_version: str, *, track_digest: bool = True) -> Recorded:
    """From the kind and revision of the source. Raises ChartVersionFailed."""
    tracked = kind == OCI_REPOSITORY.kind or (kind == EXTERNAL_ARTIFACT.kind and ":" in revision)
    if not tracked:
        return Recorded(chart_version)
    tag, separator, digest = revision.rpartition("@")
    version = _parsed(tag.replace("_", "+")) if separator else None
    if version is not None and _differs(version, chart_version):
        raise ChartVersionFailed(f"artifact revision {tag} does not match chart version {chart_version}")
    if not separator:
        digest = revision
    recorded = _with_build(chart_version, _hex(digest)) if track_digest else chart_version
    return Recorded(recorded, digest)


def _differs(tag: Version, chart_version: str) -> bool:
    chart = _parsed(chart_version)
    return chart is None or tag != chart


def _parsed(text: str) -> Version | None:
    try:
        return Version.parse(text)
    except InvalidVersion:
        return None


def _hex(digest: str) -> str:
    return digest.rpartition(":")[2][:_SHOWN]


def _with_build(version: str, build: str) -> str:
    """`1.2.3+abcdef012345`; the version is normalised, as Flux does."""
    parsed = _parsed(version)
    if parsed is None:
        raise ChartVersionFailed(f"chart version {version} is no semantic version")
    return str(replace(parsed, build=build))
