"""The model reads every field that a CRD offers, and offers every field that it reads.

A field that is accepted and ignored is a promise that is not kept; a field that is read and not offered
never arrives. Both are found by parsing a full object that writes down what was asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import pytest

from shared.model.bucket import Bucket
from shared.model.generator import ArtifactGenerator
from shared.model.helm import HelmRelease
from shared.model.helm_source import HelmChart, HelmRepository
from shared.model.image import ImagePolicy, ImageRepository
from shared.model.image_update import ImageUpdateAutomation
from shared.model.kustomize import Kustomization
from shared.model.notification import Alert, Provider
from shared.model.receiver import Receiver
from shared.model.source import GitRepository, OciRepository
from tests.unit.deploy.files import Object, crd, nodes, schema

METADATA = {"name": "web", "namespace": "apps", "generation": 3, "uid": "u", "resourceVersion": "7"}


@dataclass(frozen=True)
class Case:
    """`without`: for each parse, what the full object must lack (fields that exclude each other).

    `values`: for fields whose schema does not say what the model takes.
    """

    plural: str
    parse: Callable[[Mapping[str, Any]], Any]
    without: tuple[frozenset[str], ...] = (frozenset(),)
    ignored: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict)


CASES = [
    Case(
        "gitrepositories",
        GitRepository.parse,
        # shared.runtime reads it, before anything is parsed.
        ignored=frozenset({"spec.suspend"}),
        values={"status.sourceVerificationMode": "HEAD"},
    ),
    Case("ocirepositories", OciRepository.parse, ignored=frozenset({"spec.suspend"})),
    Case(
        "helmrepositories",
        HelmRepository.parse,
        # Never enforced, as in Flux, and so documented (specs/source.md 10.1).
        ignored=frozenset(
            {
                "spec.suspend",
                "spec.accessFrom",
                "spec.accessFrom.namespaceSelectors",
                "spec.accessFrom.namespaceSelectors[].matchLabels",
            }
        ),
    ),
    Case(
        "helmcharts",
        HelmChart.parse,
        ignored=frozenset({"spec.suspend", "spec.sourceRef.apiVersion"}),
    ),
    Case("buckets", Bucket.parse, ignored=frozenset({"spec.suspend"})),
    Case("artifactgenerators", ArtifactGenerator.parse),
    Case(
        "kustomizations",
        Kustomization.parse,
        without=(frozenset({"spec.kubeConfig.secretRef"}), frozenset({"spec.kubeConfig.configMapRef"})),
        # For readers alone, and so documented (specs/kustomize.md 1.1).
        ignored=frozenset({"spec.sourceRef.apiVersion"}),
    ),
    Case(
        "helmreleases",
        HelmRelease.parse,
        without=(
            frozenset({"spec.kubeConfig.secretRef"}),
            frozenset({"spec.kubeConfig.configMapRef"}),
        ),
        ignored=frozenset(
            {
                # For readers alone, and so documented (specs/helm.md 1).
                "spec.chart.spec.sourceRef.apiVersion",
                "spec.chartRef.apiVersion",
                # Deprecated, and documented to have no effect.
                "spec.install.skipCRDs",
            }
        ),
    ),
    Case("imagerepositories", ImageRepository.parse, ignored=frozenset({"spec.suspend"})),
    Case("imagepolicies", ImagePolicy.parse, ignored=frozenset({"spec.suspend"})),
    Case(
        "imageupdateautomations",
        ImageUpdateAutomation.parse,
        # For readers alone (specs/image.md 10.1).
        ignored=frozenset({"spec.suspend", "spec.sourceRef.apiVersion"}),
    ),
    Case("alerts", Alert.parse),
    # Deprecated, and documented to have no effect (specs/notification.md 2).
    Case("providers", Provider.parse, ignored=frozenset({"spec.interval"})),
    Case(
        "receivers",
        Receiver.parse,
        # Receivers of the type that these are for are refused.
        ignored=frozenset(
            f"spec.oidcProviders[].{name}"
            for name in (
                "issuerURL",
                "audience",
                "variables",
                "variables[].name",
                "variables[].expression",
                "validations",
                "validations[].expression",
                "validations[].message",
            )
        ),
    ),
]


class Recording(dict[str, Any]):
    """A mapping that notes the path of every key that is asked for, there or not."""

    def __init__(self, values: Mapping[str, Any], path: str, seen: set[str]) -> None:
        super().__init__(values)
        self.path, self._seen = path, seen

    def _note(self, key: str) -> None:
        self._seen.add(f"{self.path}.{key}" if self.path else key)

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._note(str(key))
        return super().__contains__(key)


@dataclass(frozen=True)
class Filling:
    """Makes a value with every field that the schema allows."""

    case: Case
    without: frozenset[str]
    seen: set[str]

    def full(self, node: Object, path: str) -> Any:
        match node["type"]:
            case "object" if "additionalProperties" in node:
                return {"key": self.full(node["additionalProperties"], f"{path}{{}}")}
            case "object":
                children = node.get("properties", {}).items()
                found = {
                    name: self.full(child, f"{path}.{name}")
                    for name, child in children
                    if f"{path}.{name}" not in self.without
                }
                return Recording(found, path, self.seen)
            case "array":
                return [self.full(node["items"], f"{path}[]")]
            case "boolean":
                return True
            case "integer":
                return 1
        return self.case.values.get(path) or text(node)


def text(node: Object) -> str:
    if "enum" in node:
        return str(node["enum"][0])
    if "(ms|s|m" in node.get("pattern", ""):
        return "90s"
    if "://" in node.get("pattern", ""):
        return "https://git.example.com/web"
    return "2026-01-01T00:00:00Z" if node.get("format") == "date-time" else "sha256:" + "0" * 64


def kept_whole(value: Any) -> Iterator[str]:
    """Paths of mappings that the parsed value holds as they came: their readers are elsewhere."""
    if isinstance(value, Recording):
        yield value.path
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from kept_whole(getattr(value, each.name))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from kept_whole(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from kept_whole(item)


def read_by(case: Case) -> set[str]:
    root = schema(crd(case.plural))["properties"]
    seen: set[str] = set()
    for without in case.without:
        obj = Recording({"metadata": METADATA, "apiVersion": "v1", "kind": "x"}, "", seen)
        for part in root.keys() & {"spec", "status"}:
            dict.__setitem__(obj, part, Filling(case, without, seen).full(root[part], part))
        for path in kept_whole(case.parse(obj)):
            seen.update(offered for offered in offered_by(case) if offered.startswith(f"{path}."))
    return seen


def offered_by(case: Case, *parts: str) -> set[str]:
    root = schema(crd(case.plural))["properties"]
    present = [part for part in parts or ("spec", "status") if part in root]
    paths = (path for part in present for path, _ in nodes(root[part], part))
    return {path for path in paths if not path.endswith(("[]", "{}")) and "." in path}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.plural)
def test_every_field_of_spec_is_read(case: Case) -> None:
    assert offered_by(case, "spec") - read_by(case) == case.ignored


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.plural)
def test_every_field_that_is_read_is_offered(case: Case) -> None:
    below = {path for path in read_by(case) if path.startswith(("spec.", "status."))}
    assert below - offered_by(case) == set()
