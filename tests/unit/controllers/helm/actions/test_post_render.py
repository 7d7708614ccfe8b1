from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from controllers.helm.actions.objects import read_objects
from controllers.helm.actions.post_render import PostRenderFailed, post_render
from controllers.helm.actions.requests import PostRender, PostRenderStrategy
from shared.charts.hooks import arrange
from shared.charts.rendered import Rendered

FILES = {
    "demo/templates/web.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example.org/web:1
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels: {app: web}
data:
  multi: |
    one
    ---
    two
""",
    "demo/templates/hook.yaml": """
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations:
    helm.sh/hook: pre-install
    helm.sh/hook-weight: "3"
spec:
  template:
    spec:
      containers:
        - name: migrate
          image: registry.example.org/web:1
""",
}
ORIGIN = {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "apps"}
IMAGES = {"images": [{"name": "registry.example.org/web", "newTag": "2"}]}


def rendered(files: dict[str, str] = FILES) -> Rendered:
    arranged = arrange(files)
    return Rendered(arranged.manifest, arranged.hooks, "", (), {}, {})


def documents(result: Rendered) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(result.manifest))


def labels(obj: dict[str, Any]) -> dict[str, str]:
    return dict(obj["metadata"].get("labels") or {})


def image(obj: dict[str, Any]) -> str:
    return str(obj["spec"]["template"]["spec"]["containers"][0]["image"])


def test_origin_labels_alone_change_nothing_else() -> None:
    result = post_render(rendered(), PostRender(origin=ORIGIN))

    config_map, deployment = documents(result)
    assert labels(config_map) == {"app": "web", **ORIGIN}
    assert config_map["data"] == {"multi": "one\n---\ntwo\n"}
    assert labels(deployment) == ORIGIN
    assert "labels" not in deployment["spec"]["template"].get("metadata", {})
    assert result.manifest.startswith("---\n# Source: demo/templates/web.yaml\napiVersion: v1\ndata:\n")
    (hook,) = result.hooks
    assert (hook.name, hook.events, hook.weight, hook.path) == (
        "migrate",
        ("pre-install",),
        3,
        "demo/templates/hook.yaml",
    )
    assert labels(yaml.safe_load(hook.manifest)) == ORIGIN


def test_a_block_scalar_at_the_end_of_a_document_keeps_its_newline() -> None:
    one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  text: |\n    end\n"

    result = post_render(rendered({"demo/templates/a.yaml": f"{one}---\n{one}"}), PostRender())

    assert [obj["data"]["text"] for obj in documents(result)] == ["end\n", "end\n"]


def test_common_metadata_does_not_override_the_origin() -> None:
    common = {"team": "a", "helm.toolkit.fluxcd.io/name": "other"}

    result = post_render(rendered(), PostRender(labels=common, annotations={"note": "b"}, origin=ORIGIN))

    config_map, _ = documents(result)
    assert labels(config_map) == {"app": "web", "team": "a", **ORIGIN}
    assert config_map["metadata"]["annotations"] == {"note": "b"}


@pytest.mark.parametrize(
    ("strategy", "hook_image"),
    [
        (PostRenderStrategy.COMBINED, "registry.example.org/web:2"),
        (PostRenderStrategy.SEPARATE, "registry.example.org/web:2"),
        (PostRenderStrategy.NO_HOOKS, "registry.example.org/web:1"),
    ],
)
def test_what_the_strategies_cover(strategy: PostRenderStrategy, hook_image: str) -> None:
    spec = PostRender(kustomizations=(IMAGES,), origin=ORIGIN, strategy=strategy)

    result = post_render(rendered(), spec)

    assert image(documents(result)[1]) == "registry.example.org/web:2"
    (hook,) = result.hooks
    assert image(yaml.safe_load(hook.manifest)) == hook_image
    assert "postrenderer.helm.sh" not in result.manifest + hook.manifest


def test_kustomizations_are_applied_in_their_order() -> None:
    def labelled(value: str) -> dict[str, Any]:
        patch = f'[{{"op": "add", "path": "/metadata/labels/step", "value": "{value}"}}]'
        return {"patches": [{"patch": patch, "target": {"kind": "ConfigMap"}}]}

    result = post_render(rendered(), PostRender(kustomizations=(labelled("1"), labelled("2"))))

    assert labels(documents(result)[0])["step"] == "2"


def test_a_patch_can_make_a_hook_of_an_object_and_take_one_away() -> None:
    spec = PostRender(
        kustomizations=(
            {
                "patches": [
                    {
                        "patch": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n"
                        "  annotations: {helm.sh/hook: pre-upgrade}\n",
                    },
                    {
                        "patch": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n$patch: delete\n"
                    },
                ]
            },
        )
    )

    result = post_render(rendered(), spec)

    assert documents(result) == []
    assert [(hook.name, hook.events) for hook in result.hooks] == [
        ("settings", ("pre-upgrade",)),
        ("migrate", ("pre-install",)),
    ]


@pytest.mark.parametrize(
    ("files", "kustomization", "message"),
    [
        pytest.param(
            {"demo/templates/a.yaml": "just: text\n"}, {}, "demo/templates/a.yaml: .* no usable apiVersion",
            id="no object",
        ),
        pytest.param(
            FILES,
            {"patches": [{"patch": "[{op: nothing}]", "target": {"kind": "ConfigMap"}}]},
            "error while running post render",
            id="an unusable patch",
        ),
        pytest.param(
            FILES,
            {"patches": [{"patch": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n"}]},
            "other",
            id="a patch without its object",
        ),
    ],
)  # fmt: skip
def test_failures(files: dict[str, str], kustomization: dict[str, Any], message: str) -> None:
    with pytest.raises(PostRenderFailed, match=message):
        post_render(rendered(files), PostRender(kustomizations=(kustomization,)))


values = st.text(st.sampled_from("a-#: \n\t'\"|>{}é0"), max_size=12)


@given(st.lists(st.dictionaries(st.sampled_from("abz"), values, min_size=1, max_size=3), max_size=3))
@example([{"z": "a\n\n"}, {"z": "\n"}])
@example([{"z": "a\n---\nb\n"}])
def test_what_no_patch_is_about_stays_as_it_is(contents: list[dict[str, str]]) -> None:
    def objects(annotations: dict[str, str]) -> dict[str, str]:
        return {
            f"demo/templates/{annotations}{number}.yaml": json.dumps(
                {
                    "apiVersion": "example.org/v1",
                    "kind": "Widget",
                    "metadata": {"name": f"{len(annotations)}-{number}", "annotations": annotations},
                    "spec": data,
                }
            )
            for number, data in enumerate(contents)
        }

    files = objects({}) | objects({"helm.sh/hook": "test"})

    result = post_render(rendered(files), PostRender(kustomizations=(IMAGES,)))

    assert [obj["spec"] for obj in read_objects(result.manifest)] == contents
    assert [read_objects(hook.manifest)[0]["spec"] for hook in result.hooks] == contents
