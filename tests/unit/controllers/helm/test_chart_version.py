"""The version that a release records (specs/helm.md 7.3)."""

from __future__ import annotations

import pytest

from controllers.helm.chart_version import Recorded, recorded_version
from controllers.helm.failures import ChartVersionFailed

DIGEST = "sha256:9f2d3c4b5a60718293a4b5c6d7e8f90112233445566778899aabbccddeeff001"
SHORT = "9f2d3c4b5a60"


@pytest.mark.parametrize(
    ("kind", "revision", "chart", "expected"),
    [
        pytest.param("HelmChart", "1.2.3", "1.2.3", Recorded("1.2.3"), id="a HelmChart's is its own"),
        pytest.param(
            "OCIRepository", f"1.2.3@{DIGEST}", "1.2.3", Recorded(f"1.2.3+{SHORT}", DIGEST), id="tag"
        ),
        pytest.param(
            "OCIRepository", f"1.2.3@{DIGEST}", "v1.2.3", Recorded(f"1.2.3+{SHORT}", DIGEST), id="normalised"
        ),
        pytest.param(
            "OCIRepository",
            f"1.2.3_build@{DIGEST}",
            "1.2.3+other",
            Recorded(f"1.2.3+{SHORT}", DIGEST),
            id="build metadata is replaced",
        ),
        pytest.param(
            "OCIRepository",
            f"1.2.3-rc.1@{DIGEST}",
            "1.2.3-rc.1",
            Recorded(f"1.2.3-rc.1+{SHORT}", DIGEST),
            id="pre-release",
        ),
        pytest.param(
            "OCIRepository", f"latest@{DIGEST}", "1.2.3", Recorded(f"1.2.3+{SHORT}", DIGEST), id="free tag"
        ),
        pytest.param("OCIRepository", DIGEST, "1.2.3", Recorded(f"1.2.3+{SHORT}", DIGEST), id="bare digest"),
        pytest.param(
            "ExternalArtifact", f"main@{DIGEST}", "1.2.3", Recorded(f"1.2.3+{SHORT}", DIGEST), id="external"
        ),
        pytest.param("ExternalArtifact", "v7", "1.2.3", Recorded("1.2.3"), id="external without digest"),
    ],
)
def test_recorded(kind: str, revision: str, chart: str, expected: Recorded) -> None:
    assert recorded_version(kind, revision, chart) == expected


def test_without_tracking_only_the_digest_is_noted() -> None:
    found = recorded_version("OCIRepository", f"1.2.3@{DIGEST}", "1.2.3", track_digest=False)
    assert found == Recorded("1.2.3", DIGEST)


@pytest.mark.parametrize("chart", ["1.2.4", "1.2.3-rc.1"])
def test_a_tag_that_lies_is_refused(chart: str) -> None:
    with pytest.raises(ChartVersionFailed, match="does not match chart version"):
        recorded_version("OCIRepository", f"1.2.3@{DIGEST}", chart)
