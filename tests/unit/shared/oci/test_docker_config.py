from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.oci.docker_config import ANONYMOUS, Login, find_login, parse_docker_config
from shared.oci.errors import InvalidCredentials
from shared.oci.reference import Repository

ADA = {"username": "ada", "password": "pw"}


def config(**auths: Any) -> bytes:
    return json.dumps({"auths": auths}).encode()


@pytest.mark.parametrize(
    ("key", "url", "matches"),
    [
        ("ghcr.io", "oci://ghcr.io/org/app", True),
        ("https://ghcr.io", "oci://ghcr.io/org/app", True),
        ("ghcr.io/org", "oci://ghcr.io/org/app", True),
        ("ghcr.io/or", "oci://ghcr.io/org/app", False),
        ("ghcr.io/other", "oci://ghcr.io/org/app", False),
        ("*.azurecr.io", "oci://team.azurecr.io/app", True),
        ("*.azurecr.io", "oci://a.b.azurecr.io/app", False),
        ("*.io", "oci://evil.ghcr.io/app", False),
        ("ghcr.io", "oci://ghcr.io.evil.org/app", False),
        ("localhost:5000", "oci://localhost:5000/app", True),
        ("localhost:5000", "oci://localhost:5001/app", False),
        ("https://index.docker.io/v1/", "oci://docker.io/nginx", True),
        ("docker.io", "oci://org/app", True),
    ],
)
def test_which_key_opens_what(key: str, url: str, matches: bool) -> None:
    entries = parse_docker_config(config(**{key: ADA}))
    expected = Login("ada", "pw") if matches else ANONYMOUS
    assert find_login(entries, Repository.parse(url)) == expected


def test_the_longest_key_wins() -> None:
    raw = config(
        **{"*.io": {"username": "c"}, "ghcr.io/org": {"username": "a"}, "ghcr.io": {"username": "b"}}
    )
    entries = parse_docker_config(raw)
    assert find_login(entries, Repository.parse("oci://ghcr.io/org/x")).username == "a"
    assert find_login(entries, Repository.parse("oci://ghcr.io/else")).username == "b"
    assert find_login(entries, Repository.parse("oci://quay.io/else")).username == "c"


@pytest.mark.parametrize(
    ("value", "login"),
    [
        ({"auth": base64.b64encode(b"ada:p:w").decode()}, Login("ada", "p:w")),
        ({"auth": base64.b64encode(b"x:y").decode(), **ADA}, Login("ada", "pw")),
        ({"identitytoken": "t"}, Login(identity="t")),
        ({"registrytoken": "t"}, Login(bearer="t")),
        ({"email": "a@b.c"}, ANONYMOUS),
    ],
)
def test_forms_of_a_login(value: dict[str, str], login: Login) -> None:
    (entry,) = parse_docker_config(config(**{"ghcr.io": value}))
    assert entry.login == login
    assert "pw" not in repr(entry)


def test_the_older_form_is_the_map_itself() -> None:
    (entry,) = parse_docker_config(json.dumps({"ghcr.io": ADA}).encode(), legacy=True)
    assert entry.login == Login("ada", "pw")


@pytest.mark.parametrize(
    "raw",
    [
        b"hunter2",
        b"[]",
        b'{"auths": []}',
        b'{"auths": {"ghcr.io": "hunter2"}}',
        b'{"auths": {"ghcr.io": {"auth": "!hunter2"}}}',
        b'{"auths": {"ghcr.io": {"auth": "aHVudGVyMg=="}}}',
        b'{"auths": {"ghcr.io": {"password": ["hunter2"]}}}',
        b"[" * 100_000,
        b" " * (1024 * 1024 + 1),
    ],
)
def test_what_is_refused_is_never_quoted(raw: bytes) -> None:
    with pytest.raises(InvalidCredentials) as caught:
        parse_docker_config(raw)
    assert "hunter2" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_understood_or_refused(raw: bytes) -> None:
    try:
        parse_docker_config(raw)
    except InvalidCredentials:
        return
