"""What happens to objects between the build and the cluster (specs/kustomize.md 5.4, 7)."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.kustomize.post_build import Manifests, finish
from controllers.kustomize.variables import Variables
from shared.kustomize.build import Built
from shared.kustomize.errors import ResourceInvalid
from shared.logic.expansion import BadSubstitution
from tests import make


def finished(*objects: Any, strict: bool = True, always: bool = False, **values: str) -> Manifests:
    built = [Built(obj, "a.yaml", 1, ()) for obj in objects]
    return finish(built, Variables(values, always=always), strict=strict)


def data(manifests: Manifests) -> Any:
    return manifests.objects[0]["data"]


TEXTS = {
    "a value": ("${x}", {"x": "word"}, "word"),
    "types are read again": ("${x}", {"x": "3"}, 3),
    "an empty value is null": ("${x}", {"x": ""}, None),
    "an escape": ("$${x}", {"x": "y"}, "${x}"),
    "no braces": ("$x", {"x": "y"}, "$x"),
    "no variables": ("$${x}", {}, "$${x}"),
}


@pytest.mark.parametrize(("text", "values", "result"), TEXTS.values(), ids=TEXTS)
def test_substitution(text: str, values: dict[str, str], result: object) -> None:
    assert data(finished(make.config_map(key=text), **values)) == {"key": result}


def test_always_substitutes_without_variables() -> None:
    assert data(finished(make.config_map(key="$${x}"), always=True)) == {"key": "${x}"}


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_an_object_can_opt_out(field: str) -> None:
    obj = make.config_map(key="${x}")
    obj["metadata"][field] = {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}
    assert data(finished(obj, x="1")) == {"key": "${x}"}


def test_an_unset_variable_names_the_object_and_its_file() -> None:
    with pytest.raises(BadSubstitution) as failed:
        finished(make.config_map(key="${nobody}"), x="1")
    message = str(failed.value)
    assert message.startswith("post build failed for 'ConfigMap/apps/config in a.yaml:1': envsubst error: ")
    assert message.endswith('variable not set (strict mode): "nobody"')
    assert data(finished(make.config_map(key="<${nobody}>"), strict=False, x="1")) == {"key": "<>"}


def test_a_value_cannot_turn_an_object_into_something_else() -> None:
    obj = make.config_map()
    obj["${x}"] = "y"
    with pytest.raises(BadSubstitution, match=r"post build failed for 'ConfigMap/apps/config in a.yaml:1'"):
        finished(obj, x="a: b: c")


def test_lists_in_lists_are_unfolded_and_kustomization_files_left_out() -> None:
    inner = {"apiVersion": "v1", "kind": "ConfigMapList", "items": [make.config_map("a")]}
    outer = {"apiVersion": "v1", "kind": "List", "items": [inner, make.config_map("b")]}
    file = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    names = [obj["metadata"]["name"] for obj in finished(outer, file).objects]
    assert names == ["a", "b"]


@pytest.mark.parametrize("field", ["apiVersion", "kind", "metadata"])
def test_an_item_must_say_what_it_is(field: str) -> None:
    item = {key: value for key, value in make.config_map().items() if key != field}
    with pytest.raises(ResourceInvalid, match="failed to decode Kubernetes apiVersion, kind and name"):
        finished({"apiVersion": "v1", "kind": "List", "metadata": {"name": "x"}, "items": [item]})


def test_the_digest_changes_with_any_value_and_with_nothing_else() -> None:
    one = finished(make.config_map(a="1", b="2"))
    assert one.digest == finished(make.config_map(b="2", a="1")).digest
    assert one.digest != finished(make.config_map(a="1", b="3")).digest
