"""What a cluster's discovery means to charts, and which charts could be told wrongly."""

from __future__ import annotations

import pytest

from shared.charts.capabilities import Capabilities, needs_mask


def test_versions_and_kinds_of_a_discovery() -> None:
    found = Capabilities.discovered(
        "v1.34.2", {"v1": [{"kind": "Pod"}, {"kind": "Pod", "name": "pods/log"}], "apps/v1": []}
    )
    assert found == Capabilities("v1.34.2", frozenset({"v1", "v1/Pod", "apps/v1"}))


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        pytest.param("nothing to see", False, id="no question"),
        pytest.param('{{ .Capabilities.APIVersions.Has "apps/v1" }}', False, id="of what is there"),
        pytest.param('{{ .Capabilities.APIVersions.Has "old/v1" }}', True, id="of what the cluster lacks"),
        pytest.param("{{ $.Capabilities.APIVersions.Has `old/v1` }}", True, id="in back quotes"),
        pytest.param("{{ .Capabilities.APIVersions.Has $v }}", True, id="of a variable"),
        pytest.param('{{ .Capabilities.APIVersions | has "apps/v1" }}', True, id="by another way"),
        pytest.param("{{ range .Capabilities.APIVersions }}", True, id="of all"),
    ],
)
def test_charts_that_ask(text: str, needed: bool) -> None:
    assert needs_mask([b"", text.encode()], {"old/v1"}) is needed
    assert needs_mask([text.encode()], set()) is False
