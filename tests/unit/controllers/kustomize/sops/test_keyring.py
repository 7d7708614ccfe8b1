import base64
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.kustomize.sops.errors import DataKeyUnavailable, KeysInvalid
from controllers.kustomize.sops.keyring import Keyring
from shared.logic.go_yaml import read_documents

KEYS = Path(__file__).parents[4] / "golden" / "sops" / "keys"
AGE = (KEYS / "age.agekey").read_bytes()


def test_entries_are_known_by_their_names() -> None:
    found = Keyring.parse(
        {
            "a.agekey": AGE + (KEYS / "pq.agekey").read_bytes(),
            "b.asc": (KEYS / "rsa.asc").read_bytes(),
            "sops.vault-token": b" hvs.token\n",
            "sops.aws-kms": b"aws_access_key_id: a\naws_secret_access_key: b\n",
            "unknown": b"\xff",
        }
    )
    assert (len(found.age), len(found.post_quantum), len(found.pgp)) == (1, 1, 1)
    assert found.vault_token == "hvs.token"
    assert found.aws is not None
    assert "AGE-" not in repr(found)
    assert "hvs" not in repr(found)


def test_of_the_controllers_own_secret_only_age_is_read() -> None:
    found = Keyring.parse({"a.agekey": AGE, "b.asc": b"no key", "sops.vault-token": b"x"}, only_age=True)
    assert len(found.age) == 1
    assert not found.pgp
    assert not found.vault_token


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"a.agekey": b"nonsense"}, "line 1 of 'a.agekey' is not an age identity"),
        ({"a.agekey": b"# c\n\n" + AGE.splitlines()[2] + b"X"}, "line 3 of 'a.agekey'"),
        ({"a.agekey": b"\xff"}, "'a.agekey' is not text"),
        ({"a.agekey": b"AGE-SECRET-KEY-PQ-1QQQQ"}, "post-quantum age identity is damaged"),
        ({"a.agekey": b"AGE-SECRET-KEY-PQ-1!"}, "post-quantum age identity is damaged"),
        ({"b.asc": b"nonsense"}, "'b.asc' is not an armored PGP private key"),
        ({"a.agekey": AGE * 101}, "more than 100"),
    ],
)
def test_what_is_no_key_is_named_but_not_quoted(entries: dict[str, bytes], told: str) -> None:
    with pytest.raises(KeysInvalid, match=told) as caught:
        Keyring.parse(entries)
    assert "AGE-SECRET" not in str(caught.value)


def pgp_message(change: Callable[[bytearray], None]) -> str:
    document = read_documents((KEYS.parent / "encrypted" / "pgp-curve.yaml").read_bytes())[0].value
    head, _, body = document["sops"]["pgp"][0]["enc"].strip().partition("\n\n")
    lines = body.split("\n")
    raw = bytearray(base64.b64decode("".join(lines[:-2])))
    change(raw)
    return f"{head}\n\n{base64.b64encode(raw).decode()}\n{lines[-1]}\n"


def _empty_session_key(raw: bytearray) -> None:
    # The length of the wrapped session key, after the packet's head, the algorithm and a curve point.
    raw[raw.index(0x30, 40)] = 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(_empty_session_key, "the PGP message is damaged", id="makes the library panic"),
        pytest.param(lambda raw: raw.clear(), "the PGP message is damaged", id="empty"),
        pytest.param(lambda raw: raw.__delitem__(slice(100, None)), "PGP", id="cut off"),
        pytest.param(
            lambda raw: raw.__setitem__(-1, raw[-1] ^ 1), "none of the PGP keys", id="changed at the end"
        ),
    ],
)
def test_a_damaged_pgp_message_is_an_error_like_any_other(
    change: Callable[[bytearray], None], told: str
) -> None:
    keyring = Keyring.parse({"a.asc": (KEYS / "curve.asc").read_bytes()})
    with pytest.raises(DataKeyUnavailable, match=told):
        keyring.open_pgp(pgp_message(change))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4))
def test_whatever_changes_in_a_pgp_message_the_process_lives(changes: list[tuple[int, int]]) -> None:
    def change(raw: bytearray) -> None:
        for position, value in changes:
            raw[position % len(raw)] = value

    keyring = Keyring.parse({"a.asc": (KEYS / "curve.asc").read_bytes()})
    with contextlib.suppress(DataKeyUnavailable):
        assert len(keyring.open_pgp(pgp_message(change))) == 32
