from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.notification.event import (
    EVENT_GROUP,
    InvalidEvent,
    clean,
    parse_event,
    rate_key,
    without_token,
)
from tests.unit.controllers.notification.words import GROUP, REVISION, event

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["involvedObject", "metadata", "severity", "timestamp", "message", "kind", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def test_what_is_posted_is_what_is_rendered() -> None:
    said = event(metadata={f"{GROUP}/revision": REVISION})
    assert parse_event(orjson.dumps(said.render())) == said


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"message": 1}', b'{"metadata": {"a": 1}}', b'{"involvedObject": []}',
     b'{"timestamp": "yesterday"}', b"[" * 100_000],
    ids=lambda body: body[:20].decode(),
)  # fmt: skip
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidEvent):
        parse_event(body)


@given(st.binary(max_size=64) | JSON.map(orjson.dumps))
def test_any_body_is_an_event_or_refused(body: bytes) -> None:
    try:
        found = clean(parse_event(body))
    except InvalidEvent:
        return
    assert len(rate_key(found)) == 32


def test_long_messages_are_cut() -> None:
    found = parse_event(orjson.dumps({"message": "x" * 100_000}))
    assert (len(found.message), found.message[-3:]) == (39_000, "...")


def test_clean_keeps_the_metadata_of_two_groups() -> None:
    found = clean(
        event(
            metadata={
                f"{GROUP}/revision": REVISION,
                f"{GROUP}/Checksum": "c",
                f"{GROUP}/digest": "d",
                f"{EVENT_GROUP}/digest": "kept",
                "foo": "bar",
                "other.io/revision": "no",
            }
        )
    )
    assert found.metadata == {f"{GROUP}/revision": REVISION, f"{EVENT_GROUP}/digest": "kept"}


def test_huge_metadata_is_refused() -> None:
    with pytest.raises(InvalidEvent):
        clean(event(metadata={f"{GROUP}/x": "y" * 100_000}))


def test_rate_key_of_the_contract() -> None:
    """specs/notification.md 17."""
    said = event("Health check passed", metadata={f"{GROUP}/revision": REVISION})
    assert rate_key(said).hex() == "bea79f5ea9c70957d30187acbb15eb6e47a2e61da3e66aabe601e3c4983f28b0"


def test_the_same_words_are_the_same_event_however_severe() -> None:
    one, other = event(), event(severity="info", reason="Other")
    assert rate_key(one) == rate_key(other)
    salted = event(metadata={f"{GROUP}/token": "1"})
    assert rate_key(salted) != rate_key(one)
    assert without_token(salted).metadata == {}


def test_names() -> None:
    said = event()
    assert (said.object_name, said.object_path) == ("kustomization/webapp.apps", "Kustomization/apps/webapp")
    assert event(api_version="v1").group == ""
