"""The CRDs hold what specs/deploy.md 7, source.md 1 and 8 and kustomize.md 1 say."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.deploy.files import CRD_FILES, Object, crd, documents, nodes, schema

AGE = ("Age", ".metadata.creationTimestamp")
READY = ("Ready", '.status.conditions[?(@.type=="Ready")].status')
STATUS = ("Status", '.status.conditions[?(@.type=="Ready")].message')
DURATION = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
ONE_OF = "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified"


@pytest.fixture(params=CRD_FILES, ids=lambda path: path.stem)
def definition(request: pytest.FixtureRequest) -> Object:
    return documents(request.param)[0]


def at(plural: str, path: str) -> Object:
    return dict(nodes(schema(crd(plural))["properties"]["spec"]))[path]


@pytest.mark.parametrize(
    ("plural", "kind", "short", "category", "columns"),
    [
        (
            "gitrepositories",
            "GitRepository",
            "gitrepo",
            "fluxcd-sources",
            [("URL", ".spec.url"), AGE, READY, STATUS],
        ),
        ("kustomizations", "Kustomization", "ks", "fluxcd-appliers", [AGE, READY, STATUS]),
    ],
)
def test_names_and_columns(
    plural: str, kind: str, short: str, category: str, columns: list[tuple[str, str]]
) -> None:
    spec = crd(plural)["spec"]
    names = spec["names"]
    assert (names["kind"], names["listKind"], names["plural"]) == (kind, f"{kind}List", plural)
    assert names["shortNames"] == [short]
    assert names["categories"] == ["all", "fluxcd", category]
    found = [(c["name"], c["jsonPath"]) for c in spec["versions"][0]["additionalPrinterColumns"]]
    assert found == columns


def test_one_version_with_status(definition: Object) -> None:
    (version,) = definition["spec"]["versions"]
    assert (version["name"], version["served"], version["storage"]) == ("v1", True, True)
    assert version["subresources"] == {"status": {}}
    assert definition["spec"]["scope"] == "Namespaced"
    assert schema(definition)["properties"]["status"]["default"] == {"observedGeneration": -1}


def test_file_and_object_are_named_alike(definition: Object) -> None:
    spec = definition["spec"]
    name = f"{spec['names']['plural']}.{spec['group']}"
    assert definition["metadata"]["name"] == name
    assert [path.name for path in CRD_FILES].count(f"{name}.yaml") == 1


def test_its_text_is_no_template(definition: Object) -> None:
    annotations = definition["metadata"]["annotations"]
    assert annotations["kustomize.toolkit.fluxcd.io/substitute"] == "disabled"


def test_schema_is_structural(definition: Object) -> None:
    """Every node has a type; nothing is preserved unseen; each required field exists; patterns compile."""
    wrong = []
    for path, node in nodes(schema(definition)):
        if "type" not in node:
            wrong.append(f"{path}: no type")
        if node.get("x-kubernetes-preserve-unknown-fields"):
            wrong.append(f"{path}: keeps what the schema does not name")
        wrong += [f"{path}: no {name}" for name in node.get("required", []) if name not in node["properties"]]
        if "properties" in node and "additionalProperties" in node:
            wrong.append(f"{path}: properties beside additionalProperties")
        if node["type"] == "array" and "items" not in node:
            wrong.append(f"{path}: no items")
        re.compile(node.get("pattern", ""))
    assert wrong == []


def test_every_field_is_described(definition: Object) -> None:
    """`kubectl explain` has something to say; items say it on their list."""
    fields = [
        (path, node)
        for path, node in nodes(schema(definition))
        if not path.endswith(("[]", "{}", "metadata"))
    ]
    assert [path for path, node in fields if not node.get("description")] == []


@pytest.mark.parametrize(
    ("plural", "path", "expected"),
    [
        ("gitrepositories", "", {"required": ["interval", "url"]}),
        ("gitrepositories", "url", {"pattern": "^(http|https|ssh)://.*$"}),
        ("gitrepositories", "interval", {"pattern": DURATION}),
        ("gitrepositories", "timeout", {"default": "60s", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$"}),
        ("gitrepositories", "provider", {"enum": ["generic", "aws", "azure", "github"]}),
        ("gitrepositories", "verify", {"required": ["secretRef"]}),
        (
            "gitrepositories",
            "verify.mode",
            {"enum": ["head", "HEAD", "Tag", "TagAndHEAD"], "default": "HEAD"},
        ),
        ("gitrepositories", "include[]", {"required": ["repository"]}),
        ("kustomizations", "", {"required": ["interval", "prune", "sourceRef"]}),
        ("kustomizations", "interval", {"pattern": DURATION}),
        ("kustomizations", "retryInterval", {"pattern": DURATION}),
        ("kustomizations", "timeout", {"pattern": DURATION}),
        ("kustomizations", "sourceRef", {"required": ["kind", "name"]}),
        (
            "kustomizations",
            "sourceRef.kind",
            {"enum": ["OCIRepository", "GitRepository", "Bucket", "ExternalArtifact"]},
        ),
        ("kustomizations", "targetNamespace", {"minLength": 1, "maxLength": 63}),
        ("kustomizations", "namePrefix", {"minLength": 1, "maxLength": 200}),
        ("kustomizations", "nameSuffix", {"minLength": 1, "maxLength": 200}),
        ("kustomizations", "force", {"default": False}),
        (
            "kustomizations",
            "deletionPolicy",
            {"enum": ["MirrorPrune", "Delete", "WaitForTermination", "Orphan"]},
        ),
        ("kustomizations", "buildMetadata[]", {"enum": ["originAnnotations", "transformerAnnotations"]}),
        ("kustomizations", "postBuild.substituteStrategy", {"enum": ["WithVariables", "Always"]}),
        ("kustomizations", "postBuild.substituteFrom[].kind", {"enum": ["Secret", "ConfigMap"]}),
        ("kustomizations", "postBuild.substituteFrom[].name", {"minLength": 1, "maxLength": 253}),
        ("kustomizations", "postBuild.substituteFrom[].optional", {"default": False}),
        ("kustomizations", "decryption.provider", {"enum": ["sops"]}),
        ("kustomizations", "healthChecks[]", {"required": ["kind", "name"]}),
        ("kustomizations", "patches[]", {"required": ["patch"]}),
        ("kustomizations", "ignore[]", {"required": ["paths"]}),
    ],
)
def test_rules_of_a_field(plural: str, path: str, expected: dict[str, Any]) -> None:
    found = at(plural, path)
    assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("plural", "path"),
    [("kustomizations", "wait"), ("kustomizations", "deletionPolicy"), ("gitrepositories", "provider")],
)
def test_defaults_that_live_in_code(plural: str, path: str) -> None:
    """A default here would show up in every object that users compare with their files."""
    assert "default" not in at(plural, path)


def test_rules_in_cel() -> None:
    (account,) = at("gitrepositories", "")["x-kubernetes-validations"]
    assert account["rule"] == (
        "!has(self.serviceAccountName) || "
        "(has(self.provider) && (self.provider == 'azure' || self.provider == 'aws'))"
    )
    assert at("kustomizations", "kubeConfig")["x-kubernetes-validations"] == [
        {"rule": "has(self.configMapRef) || has(self.secretRef)", "message": ONE_OF},
        {"rule": "!has(self.configMapRef) || !has(self.secretRef)", "message": ONE_OF},
    ]


def test_conditions_and_artifacts_follow_the_contract(definition: Object) -> None:
    status = dict(nodes(schema(definition)["properties"]["status"]))
    assert status["conditions[].message"]["maxLength"] == 32768
    assert status["conditions[].reason"]["pattern"] == "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
    assert sorted(status["conditions[]"]["required"]) == [
        "lastTransitionTime",
        "message",
        "reason",
        "status",
        "type",
    ]
    for artifact in [node for path, node in status.items() if path in {"artifact", "includedArtifacts[]"}]:
        assert sorted(artifact["required"]) == ["digest", "lastUpdateTime", "path", "revision", "url"]
