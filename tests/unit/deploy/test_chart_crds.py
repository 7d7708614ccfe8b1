"""The CRDs of HelmRepository and HelmChart hold what specs/source.md 1, 10 and 11 say."""

from __future__ import annotations

import pytest

from tests.unit.deploy.files import Object, crd, nodes, schema

LATER = ["Age", "Ready", "Status"]


@pytest.mark.parametrize(
    ("plural", "kind", "short", "columns"),
    [
        ("helmrepositories", "HelmRepository", "helmrepo", ["URL", *LATER]),
        ("helmcharts", "HelmChart", "hc", ["Chart", "Version", "Source Kind", "Source Name", *LATER]),
    ],
)
def test_names_and_columns(plural: str, kind: str, short: str, columns: list[str]) -> None:
    spec = crd(plural)["spec"]
    names = spec["names"]
    assert (names["kind"], names["listKind"], names["shortNames"]) == (kind, f"{kind}List", [short])
    assert names["categories"] == ["all", "fluxcd", "fluxcd-sources"]
    assert [c["name"] for c in spec["versions"][0]["additionalPrinterColumns"]] == columns


@pytest.mark.parametrize(
    ("plural", "path", "expected"),
    [
        ("helmrepositories", "", {"required": ["url"]}),
        ("helmrepositories", "url", {"pattern": "^(http|https|oci)://.*$"}),
        ("helmrepositories", "type", {"enum": ["default", "oci"], "default": None}),
        ("helmrepositories", "provider", {"enum": ["generic", "aws", "azure", "gcp"], "default": "generic"}),
        ("helmrepositories", "timeout", {"default": None, "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$"}),
        ("helmcharts", "", {"required": ["chart", "interval", "sourceRef"]}),
        ("helmcharts", "version", {"default": "*"}),
        ("helmcharts", "sourceRef.kind", {"enum": ["HelmRepository", "GitRepository", "Bucket"]}),
        ("helmcharts", "reconcileStrategy", {"default": "ChartVersion"}),
        ("helmcharts", "verify", {"required": ["provider"]}),
        ("helmcharts", "verify.provider", {"enum": ["cosign", "notation"], "default": "cosign"}),
    ],
)
def test_validation(plural: str, path: str, expected: Object) -> None:
    found = dict(nodes(schema(crd(plural))["properties"]["spec"]))[path]
    assert {key: found.get(key) for key in expected} == expected


def test_only_charts_of_repositories_are_verified() -> None:
    (rule,) = schema(crd("helmcharts"))["properties"]["spec"]["x-kubernetes-validations"]
    assert rule["rule"] == "!has(self.verify) || self.sourceRef.kind == 'HelmRepository'"
