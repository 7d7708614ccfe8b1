from __future__ import annotations

import json
from typing import Any

import pytest

from shared.oci.errors import InvalidContent
from shared.oci.manifest import INDEX, Index, Manifest, parse_manifest

DIGEST = "sha256:" + "0" * 64
LAYER = {"mediaType": "a/b", "digest": DIGEST, "size": 3}


def raw(**fields: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, **fields}).encode()


def test_a_manifest() -> None:
    found = parse_manifest(raw(layers=[LAYER], annotations={"a": "b"}))
    assert isinstance(found, Manifest)
    assert (found.layers[0].digest, found.layers[0].size, found.annotations) == (DIGEST, 3, {"a": "b"})


def test_an_index_has_a_default_platform() -> None:
    arm = LAYER | {"platform": {"os": "linux", "architecture": "arm64"}}
    amd = LAYER | {"digest": "sha256:" + "1" * 64, "platform": {"os": "linux", "architecture": "amd64"}}
    found = parse_manifest(raw(mediaType=INDEX, manifests=[arm, amd]))
    assert isinstance(found, Index)
    assert found.for_platform().digest == "sha256:" + "1" * 64
    with pytest.raises(InvalidContent, match="linux/s390x"):
        found.for_platform(architecture="s390x")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<html>", id="not JSON"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b'{"a":' * 2000, id="too deep"),
        pytest.param(b'{"schemaVersion": 1}', id="Docker's first schema"),
        pytest.param(raw(layers={}), id="layers as an object"),
        pytest.param(raw(layers=[1]), id="a number as layer"),
        pytest.param(raw(layers=[LAYER | {"size": -1}]), id="negative size"),
        pytest.param(raw(layers=[LAYER | {"size": True}]), id="size that is a boolean"),
        pytest.param(raw(layers=[LAYER | {"size": 2**64}]), id="size beyond 63 bits"),
        pytest.param(raw(layers=[LAYER | {"digest": "sha256:../../x"}]), id="digest that is a path"),
        pytest.param(raw(layers=[{"digest": DIGEST, "size": 1}]), id="no media type"),
        pytest.param(raw(layers=[LAYER] * 10_001), id="too many layers"),
        pytest.param(raw(layers=[], annotations={"a": 1}), id="annotation that is a number"),
        pytest.param(raw(layers=[], annotations={"a": "x" * 70_000}), id="huge annotation"),
    ],
)
def test_what_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidContent):
        parse_manifest(content)
