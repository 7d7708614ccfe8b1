"""Digests agree with Flux's and Helm's, and see exactly what they should."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from controllers.helm import digests
from controllers.helm.release.record import Hook, HookPhase, Status
from shared.logic.digest import InvalidDigest
from shared.model.applying import CommonMetadata
from tests.unit.controllers.helm.releases import MOMENT, release, test_hook


def sha256(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # From the tests of helm-controller.
        (
            {"foo": "bar", "baz": {"cool": "stuff"}},
            "sha256:3f3641788a2d4abda3534eaa90c90b54916e4c6e3a5b2e1b24758b7bfa701ecd",
        ),
        ({}, sha256("")),
        ({"a10": 1, "a2": [{"z": None, "b": 1.0}]}, sha256("a10: 1\na2:\n- b: 1\n  z: null\n")),
        ({"s": "true", "n": "1", "f": 1.5}, sha256('f: 1.5\n"n": "1"\ns: "true"\n')),
    ],
)
def test_values(values: dict[str, Any], expected: str) -> None:
    assert digests.config_digest(values) == expected
    assert digests.config_matches(expected, values)


def test_values_are_compared_by_the_algorithm_of_the_digest() -> None:
    values = {"a": 1}
    for algorithm in ("sha256", "sha512", "blake3"):
        try:
            made = digests.config_digest(values, algorithm)
        except InvalidDigest:
            continue
        assert digests.config_matches(made, values)
        assert not digests.config_matches(made, {"a": 2})
    assert not digests.config_matches("nonsense", values)


def test_a_release_is_written_as_flux_writes_its_observation() -> None:
    expected = (
        '{"name":"web","version":1,"info":{"first_deployed":"'
        + MOMENT
        + '","last_deployed":"'
        + MOMENT
        + '",'
        '"description":"Install complete","status":"deployed"},"chartMetadata":{"name":"podinfo",'
        '"version":"1.2.3","apiVersion":"v2","appVersion":"6"},"config":{"replicas":2},'
        '"manifest":"---\\n# Source: podinfo/templates/cm.yaml\\napiVersion: v1\\nkind: ConfigMap\\n",'
        '"hooks":null,"namespace":"apps"}\n'
    )
    assert digests.release_digest(release()) == sha256(expected)


def test_dependencies_and_maintainers_keep_the_order_of_their_structs() -> None:
    metadata = {
        "version": "1.0.0",
        "name": "podinfo",
        "annotations": {"b": "1", "a": "<2>"},
        "dependencies": [{"repository": "", "name": "redis", "enabled": True}],
        "maintainers": [{"url": "u", "name": "n"}],
    }
    expected = (
        '"chartMetadata":{"name":"podinfo","version":"1.0.0","maintainers":[{"name":"n","url":"u"}],'
        '"annotations":{"a":"\\u003c2\\u003e","b":"1"},'
        '"dependencies":[{"name":"redis","repository":"","enabled":true}]}'
    )
    with_metadata = release(chart={"metadata": metadata}, config={})
    rest = digests.release_digest(with_metadata)
    whole = (
        '{"name":"web","version":1,"info":{"first_deployed":"'
        + MOMENT
        + '","last_deployed":"'
        + MOMENT
        + '",'
        f'"description":"Install complete","status":"deployed"}},{expected},"config":null,'
        '"manifest":"---\\n# Source: podinfo/templates/cm.yaml\\napiVersion: v1\\nkind: ConfigMap\\n",'
        '"hooks":null,"namespace":"apps"}\n'
    )
    assert rest == sha256(whole)


HOOK = Hook("migrate", "Job", "podinfo/templates/job.yaml", "kind: Job\n", ("pre-upgrade",), weight=-1)


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        pytest.param(
            {"hooks": (test_hook("t", HookPhase.FAILED),)}, False, id="tests are somebody's business"
        ),
        pytest.param({"apply_method": "csa"}, False, id="how it was applied"),
        pytest.param({"labels": {"a": "b"}}, False, id="labels of the Secret"),
        pytest.param({"hooks": (HOOK,)}, True, id="other hooks"),
        pytest.param({"config": {"replicas": 3}}, True, id="values"),
        pytest.param({"manifest": ""}, True, id="manifest"),
        pytest.param({"version": 2}, True, id="version"),
    ],
)
def test_what_a_release_digest_sees(changed: dict[str, Any], seen: bool) -> None:
    assert (digests.release_digest(release(**changed)) != digests.release_digest(release())) == seen


def test_the_status_and_the_oci_digest_are_seen() -> None:
    one = release()
    made = digests.release_digest(one, "sha256:abc")
    assert made != digests.release_digest(one)
    assert digests.release_matches(made, one, "sha256:abc")
    assert not digests.release_matches(made, one.as_status(Status.FAILED), "sha256:abc")
    assert not digests.release_matches(made, replace(one, name="other"), "sha256:abc")


def test_rendering_options() -> None:
    assert digests.post_renderers_digest(()) == ""
    assert digests.common_metadata_digest(None) == ""
    patches = [{"target": {"name": "web", "kind": "Deployment"}, "patch": "a: 1"}]
    images = [{"newTag": "2", "name": "nginx"}]
    assert digests.post_renderers_digest([{"kustomize": {"images": images, "patches": patches}}]) == sha256(
        '[{"kustomize":{"patches":[{"patch":"a: 1","target":{"kind":"Deployment","name":"web"}}],'
        '"images":[{"name":"nginx","newTag":"2"}]}}]\n'
    )
    common = CommonMetadata({"b": "1", "a": "2"}, {})
    assert digests.common_metadata_digest(common) == sha256('{"labels":{"a":"2","b":"1"}}\n')
