from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.image_automation.image_name import may_be_plain, parse_image
from shared.oci.errors import InvalidReference

NAMES = {
    "alpine": "index.docker.io/library/alpine",
    "docker.io/alpine": "index.docker.io/library/alpine",
    "index.docker.io/library/alpine": "index.docker.io/library/alpine",
    "org/app": "index.docker.io/org/app",
    "ghcr.io/org/app": "ghcr.io/org/app",
    "localhost/app": "localhost/app",
    "localhost:5000/x": "localhost:5000/x",
    "[::1]:5000/a/b": "[::1]:5000/a/b",
    "public.ecr.aws/eks/x": "public.ecr.aws/eks/x",
}
REFUSED = {
    "https://ghcr.io/org/app": "should not include URL scheme; remove 'https://'",
    "oci://ghcr.io/org/app": "should not include URL scheme; remove 'oci://'",
    "alpine:3": "should not include a tag; remove ':3'",
    "localhost:5000/x:1.2": "should not include a tag; remove ':1.2'",
    "ghcr.io/org/app@sha256:abc": "should not include a tag; remove ':abc'",
    "": "could not parse reference ''",
    "ghcr.io/Org/app": "could not parse reference",
    "ghcr.io/org/app\n": "could not parse reference",
    "-x/../y": "could not parse reference",
    "x.example:99999/app": "could not parse reference",
}
PLAIN = {
    "localhost": True,
    "localhost:5000": True,
    "127.0.0.1:5000": True,
    "127.8.9.1": True,
    "[::1]:5000": True,
    "10.1.2.3:80": True,
    "172.31.0.1": True,
    "192.168.1.1": True,
    "registry.local:5000": True,
    "172.32.0.1": False,
    "8.8.8.8": False,
    "[fd00::1]": False,
    "ghcr.io": False,
    "localhost.example": False,
    "10.1.2.3.example": False,
}


@pytest.mark.parametrize(("image", "canonical"), NAMES.items())
def test_canonical_names(image: str, canonical: str) -> None:
    assert str(parse_image(image)) == canonical


@pytest.mark.parametrize(("image", "words"), REFUSED.items())
def test_what_is_no_image(image: str, words: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_image(image)
    assert words in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_refused(image: str) -> None:
    try:
        name = str(parse_image(image))
    except InvalidReference:
        return
    assert str(parse_image(name)) == name


@pytest.mark.parametrize(("host", "plain"), PLAIN.items())
def test_where_plain_http_is_tried(host: str, plain: bool) -> None:
    assert may_be_plain(host) is plain
