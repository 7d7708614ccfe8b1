"""The CRDs hold what specs/deploy.md 7, source.md 1 and 8 and kustomize.md 1 say."""

from __future__ import annotations

import re
from typing import Any

import pytest

from controllers.notification import notifiers
from controllers.notification.receivers import platforms
from tests.unit.deploy.files import CRD_FILES, Object, crd, documents, nodes, schema

AGE = ("Age", ".metadata.creationTimestamp")
READY = ("Ready", '.status.conditions[?(@.type=="Ready")].status')
STATUS = ("Status", '.status.conditions[?(@.type=="Ready")].message')
DURATION = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
# Kinds that nobody reconciles (specs/notification.md 2-3).
STATIC = {"Alert", "Provider"}
# Their status has no generation (specs/source.md 1.1).
WITHOUT_GENERATION = {"ExternalArtifact", "ArtifactGenerator"}
VERSIONS = {"ArtifactGenerator": "v1beta1", "HelmRelease": "v2"}
# What a chart takes is the chart's business.
FREE = {"spec.values"}
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
        (
            "ocirepositories",
            "OCIRepository",
            "ocirepo",
            "fluxcd-sources",
            [("URL", ".spec.url"), READY, STATUS, AGE],
        ),
        ("buckets", "Bucket", "", "fluxcd-sources", [("Endpoint", ".spec.endpoint"), AGE, READY, STATUS]),
        (
            "externalartifacts",
            "ExternalArtifact",
            "ea",
            "fluxcd-sources",
            [AGE, READY, STATUS, ("Source", ".spec.sourceRef.name")],
        ),
        ("artifactgenerators", "ArtifactGenerator", "ag", "fluxcd-sources", [AGE, READY, STATUS]),
        ("kustomizations", "Kustomization", "ks", "fluxcd-appliers", [AGE, READY, STATUS]),
        ("helmreleases", "HelmRelease", "hr", "fluxcd-appliers", [AGE, READY, STATUS]),
        (
            "imagerepositories",
            "ImageRepository",
            "imgrepo,imagerepo",
            "fluxcd-images",
            [
                ("Image", ".spec.image"),
                ("Tags", ".status.lastScanResult.tagCount"),
                READY,
                STATUS,
                ("Last scan", ".status.lastScanResult.scanTime"),
                AGE,
            ],
        ),
        (
            "imagepolicies",
            "ImagePolicy",
            "imgpol,imagepol",
            "fluxcd-images",
            [("Image", ".status.latestRef.name"), ("Tag", ".status.latestRef.tag"), READY, STATUS, AGE],
        ),
        (
            "imageupdateautomations",
            "ImageUpdateAutomation",
            "iua,imgupd,imgauto",
            "fluxcd-images",
            [READY, STATUS, ("Last run", ".status.lastAutomationRunTime"), AGE],
        ),
        ("alerts", "Alert", "", "fluxcd-notifications", [AGE]),
        ("providers", "Provider", "", "fluxcd-notifications", [AGE]),
        ("receivers", "Receiver", "", "fluxcd-notifications", [AGE, READY, STATUS]),
    ],
)
def test_names_and_columns(
    plural: str, kind: str, short: str, category: str, columns: list[tuple[str, str]]
) -> None:
    spec = crd(plural)["spec"]
    names = spec["names"]
    assert (names["kind"], names["listKind"], names["plural"]) == (kind, f"{kind}List", plural)
    assert names.get("shortNames", []) == list(filter(None, short.split(",")))
    assert names["categories"] == ["all", "fluxcd", category]
    found = [(c["name"], c["jsonPath"]) for c in spec["versions"][0]["additionalPrinterColumns"]]
    assert found == columns


def test_one_version_with_status(definition: Object) -> None:
    (version,) = definition["spec"]["versions"]
    kind = definition["spec"]["names"]["kind"]
    name = "v1beta3" if kind in STATIC else VERSIONS.get(kind, "v1")
    assert (version["name"], version["served"], version["storage"]) == (name, True, True)
    assert definition["spec"]["scope"] == "Namespaced"
    if kind in STATIC:
        assert "subresources" not in version
        assert "status" not in schema(definition)["properties"]
    else:
        assert version["subresources"] == {"status": {}}
        default = None if kind in WITHOUT_GENERATION else {"observedGeneration": -1}
        assert schema(definition)["properties"]["status"].get("default") == default


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
        if node.get("x-kubernetes-preserve-unknown-fields") and path not in FREE:
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
        ("ocirepositories", "", {"required": ["interval", "url"]}),
        ("ocirepositories", "url", {"pattern": "^oci://.*$"}),
        ("ocirepositories", "timeout", {"default": "60s", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$"}),
        ("ocirepositories", "provider", {"enum": ["generic", "aws", "azure", "gcp"], "default": "generic"}),
        ("ocirepositories", "layerSelector.operation", {"enum": ["extract", "copy"], "default": None}),
        ("ocirepositories", "verify", {"required": ["provider"]}),
        ("ocirepositories", "verify.provider", {"enum": ["cosign", "notation"], "default": "cosign"}),
        ("ocirepositories", "verify.matchOIDCIdentity[]", {"required": ["issuer", "subject"]}),
        ("buckets", "", {"required": ["bucketName", "endpoint", "interval"]}),
        ("buckets", "provider", {"enum": ["generic", "aws", "gcp", "azure"], "default": "generic"}),
        ("buckets", "sts", {"required": ["endpoint", "provider"]}),
        ("buckets", "sts.provider", {"enum": ["aws", "ldap"]}),
        ("buckets", "timeout", {"default": "60s", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$"}),
        ("externalartifacts", "sourceRef", {"required": ["kind", "name"]}),
        ("artifactgenerators", "", {"required": ["artifacts", "sources"]}),
        ("artifactgenerators", "sources", {"minItems": 1, "maxItems": 1000}),
        (
            "artifactgenerators",
            "sources[].kind",
            {"enum": ["Bucket", "GitRepository", "OCIRepository", "HelmChart", "ExternalArtifact"]},
        ),
        ("artifactgenerators", "artifacts", {"minItems": 1, "maxItems": 1000}),
        ("artifactgenerators", "artifacts[].revision", {"maxLength": 64}),
        ("artifactgenerators", "artifacts[].copy[].strategy", {"enum": ["Overwrite", "Merge", "Extract"]}),
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
        ("helmreleases", "", {"required": ["interval"]}),
        ("helmreleases", "interval", {"pattern": DURATION}),
        ("helmreleases", "releaseName", {"minLength": 1, "maxLength": 53}),
        ("helmreleases", "targetNamespace", {"minLength": 1, "maxLength": 63}),
        ("helmreleases", "chart.spec.chart", {"minLength": 1, "maxLength": 2048}),
        ("helmreleases", "chart.spec.version", {"default": "*"}),
        (
            "helmreleases",
            "chart.spec.sourceRef.kind",
            {"enum": ["HelmRepository", "GitRepository", "Bucket"]},
        ),
        ("helmreleases", "chart.spec.reconcileStrategy", {"default": "ChartVersion"}),
        ("helmreleases", "chart.spec.verify.provider", {"enum": ["cosign", "notation"]}),
        ("helmreleases", "chartRef", {"required": ["kind", "name"]}),
        (
            "helmreleases",
            "chartRef.kind",
            {"enum": ["OCIRepository", "HelmChart", "ExternalArtifact"]},
        ),
        (
            "helmreleases",
            "valuesFrom[].valuesKey",
            {"maxLength": 253, "pattern": r"^[\-._a-zA-Z0-9]+$"},
        ),
        (
            "helmreleases",
            "valuesFrom[].targetPath",
            {"maxLength": 250, "pattern": r"^([a-zA-Z0-9_\-.\\\/]|\[[0-9]{1,5}\])+$"},
        ),
        ("helmreleases", "driftDetection.mode", {"enum": ["enabled", "warn", "disabled"]}),
        ("helmreleases", "install.crds", {"enum": ["Skip", "Create", "CreateReplace"]}),
        ("helmreleases", "upgrade.serverSideApply", {"enum": ["enabled", "disabled", "auto"]}),
        ("helmreleases", "upgrade.remediation.strategy", {"enum": ["rollback", "uninstall"]}),
        ("helmreleases", "uninstall.deletionPropagation", {"enum": ["background", "foreground", "orphan"]}),
        ("imagerepositories", "", {"required": ["image", "interval"]}),
        ("imagerepositories", "interval", {"pattern": DURATION}),
        ("imagerepositories", "timeout", {"pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$", "default": None}),
        ("imagerepositories", "serviceAccountName", {"maxLength": 253}),
        ("imagerepositories", "accessFrom", {"required": ["namespaceSelectors"]}),
        ("imagerepositories", "exclusionList", {"maxItems": 25}),
        (
            "imagerepositories",
            "provider",
            {"enum": ["generic", "aws", "azure", "gcp"], "default": "generic"},
        ),
        ("imagepolicies", "", {"required": ["imageRepositoryRef", "policy"]}),
        ("imagepolicies", "policy.semver", {"required": ["range"]}),
        ("imagepolicies", "policy.alphabetical.order", {"enum": ["asc", "desc"], "default": "asc"}),
        ("imagepolicies", "policy.numerical.order", {"enum": ["asc", "desc"], "default": "asc"}),
        (
            "imagepolicies",
            "digestReflectionPolicy",
            {"enum": ["Always", "IfNotPresent", "Never"], "default": "Never"},
        ),
        ("imagepolicies", "interval", {"pattern": DURATION}),
        ("imageupdateautomations", "", {"required": ["interval", "sourceRef"]}),
        ("imageupdateautomations", "sourceRef.kind", {"enum": ["GitRepository"], "default": "GitRepository"}),
        ("imageupdateautomations", "git.commit", {"required": ["author"]}),
        ("imageupdateautomations", "git.commit.author", {"required": ["email"]}),
        ("imageupdateautomations", "git.commit.signingKey.type", {"enum": ["gpg", "ssh"], "default": None}),
        ("imageupdateautomations", "update", {"default": {"strategy": "Setters"}}),
        ("imageupdateautomations", "update.strategy", {"enum": ["Setters"], "default": "Setters"}),
        ("alerts", "", {"required": ["eventSources", "providerRef"]}),
        ("alerts", "eventSeverity", {"enum": ["info", "error"], "default": "info"}),
        ("alerts", "eventSources[].name", {"minLength": 1, "maxLength": 253}),
        ("alerts", "summary", {"maxLength": 255}),
        ("providers", "timeout", {"pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$"}),
        ("providers", "proxy", {"pattern": "^(http|https)://.*$", "maxLength": 2048}),
        ("receivers", "interval", {"pattern": DURATION, "default": "10m"}),
        ("receivers", "oidcProviders[]", {"required": ["issuerURL"]}),
        ("receivers", "oidcProviders[].validations", {"minItems": 1}),
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


def test_rules_between_fields_of_releases() -> None:
    (chart,) = at("helmreleases", "")["x-kubernetes-validations"]
    assert chart["message"] == "either chart or chartRef must be set"
    assert at("helmreleases", "kubeConfig")["x-kubernetes-validations"][0]["message"] == ONE_OF
    (install,) = at("helmreleases", "install.strategy")["x-kubernetes-validations"]
    assert install == {
        "rule": "!has(self.retryInterval) || self.name != 'RemediateOnFailure'",
        "message": ".retryInterval cannot be set when .name is 'RemediateOnFailure'",
    }
    (upgrade,) = at("helmreleases", "upgrade.strategy")["x-kubernetes-validations"]
    assert upgrade == {
        "rule": "!has(self.retryInterval) || self.name == 'RetryOnFailure'",
        "message": ".retryInterval can only be set when .name is 'RetryOnFailure'",
    }


def test_types_of_providers_and_receivers_are_all_known() -> None:
    """The CRD, the tables and what is said to be missing agree."""
    providers, receivers = at("providers", "type")["enum"], at("receivers", "type")["enum"]
    assert set(providers) == notifiers.NOTIFIERS.keys()
    assert set(receivers) == platforms.CHECKS.keys() | platforms.MISSING.keys()


def test_rules_between_fields_of_image_policies() -> None:
    assert [rule["message"] for rule in at("imagepolicies", "")["x-kubernetes-validations"]] == [
        "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'",
        "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'",
    ]


def test_rules_between_fields_of_notifications() -> None:
    (expression,) = at("providers", "")["x-kubernetes-validations"]
    assert expression["message"] == (
        "spec.commitStatusExpr is only supported for the 'github', 'gitlab', 'gitea', 'bitbucketserver', "
        "'bitbucket', 'azuredevops' provider types"
    )
    assert [rule["message"] for rule in at("receivers", "")["x-kubernetes-validations"]] == [
        "generic-oidc receivers must define at least one oidcProvider",
        "oidcProviders can only be set when type is generic-oidc",
        "secretRef cannot be set when type is generic-oidc",
        "secretRef is required when type is not generic-oidc",
    ]


def test_conditions_and_artifacts_follow_the_contract(definition: Object) -> None:
    if definition["spec"]["names"]["kind"] in STATIC:
        return
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
