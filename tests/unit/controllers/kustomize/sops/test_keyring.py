from pathlib import Path

import pytest

from controllers.kustomize.sops.errors import KeysInvalid
from controllers.kustomize.sops.keyring import Keyring

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
