import base64
import math

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from controllers.kustomize.sops.errors import DocumentInvalid, SopsError, ValueTampered
from controllers.kustomize.sops.values import Comment, Moment, decrypt_value, is_encrypted, mac_bytes
from tests.fakes.sops_writer import Sealer

SEALER = Sealer()
CIPHER = AESGCM(SEALER.key)

leaves = st.one_of(
    st.text(min_size=1),
    st.binary(min_size=1).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
)


@given(leaves, st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_a_sealed_value_comes_back_with_its_type(value: object, path: list[str]) -> None:
    sealed = SEALER.seal(value, *path)
    opened = decrypt_value(sealed, CIPHER, ":".join(path) + ":")
    assert opened == value
    assert type(opened) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_written_by_its_shortest_digits(value: float) -> None:
    text = mac_bytes(value).decode()
    assert "e" not in text
    assert float(text) == value
    assert math.copysign(1, float(text)) == math.copysign(1, value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, b"1"), (1e21, b"1" + b"0" * 21), (1.5e-7, b"0.00000015"), (True, b"True"), (False, b"False"),
     (-3, b"-3"), (None, b""), (Comment("x"), b""), (float("inf"), b"+Inf"), (float("nan"), b"NaN")],
)  # fmt: skip
def test_what_a_value_adds_to_the_mac(value: object, text: bytes) -> None:
    assert mac_bytes(value) == text  # type: ignore[arg-type]


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_survives(position: int, change: int) -> None:
    sealed = SEALER.seal("the secret", "data", "password")
    head, _, rest = sealed.partition("data:")
    data, _, tail = rest.partition(",")
    raw = bytearray(base64.b64decode(data))
    raw[position % len(raw)] ^= change
    forged = f"{head}data:{base64.b64encode(raw).decode()},{tail}"
    with pytest.raises(ValueTampered, match=r"'data\.password'") as caught:
        decrypt_value(forged, CIPHER, "data:password:")
    assert "the secret" not in str(caught.value)


def test_a_value_that_was_moved_does_not_open() -> None:
    with pytest.raises(ValueTampered, match=r"'data\.user'"):
        decrypt_value(SEALER.seal("x", "data", "password"), CIPHER, "data:user:")


def test_times_and_comments_are_told_from_text() -> None:
    moment = decrypt_value(SEALER.encrypted(b"2024-11-12T13:33:42Z", "time", "a:"), CIPHER, "a:")
    assert isinstance(moment, Moment)
    assert decrypt_value(SEALER.encrypted(b" note", "comment", ":"), CIPHER, ":") == Comment(" note")
    assert decrypt_value("", CIPHER, "a:") == ""


@pytest.mark.parametrize(
    ("plain", "kind"),
    [
        (b"x", "int"),
        (b"9" * 30, "int"),
        (b"maybe", "bool"),
        (b"x", "float"),
        (b"inf", "float"),
        (b"nan", "float"),
        (b"1_0", "float"),
        (b"1e99999", "float"),
        (b"x", "unheard"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused(plain: bytes, kind: str) -> None:
    with pytest.raises(DocumentInvalid, match=kind):
        decrypt_value(SEALER.encrypted(plain, kind, "a:"), CIPHER, "a:")


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "ENC[AES256_GCM,data:,iv:aa,tag:aa,type:str]",
        "ENC[AES256_GCM,data:a,iv:a,tag:a,type:str]",
        "ENC[AES256_GCM,data:aaaa,iv:aaaa,tag:aaaa,type:str]",
        "ENC[AES256_GCM," + "data:a,iv:a,tag:a," * 50_000,
    ],
)
def test_what_is_no_sealed_value_is_refused_at_once(text: str) -> None:
    with pytest.raises(SopsError):
        decrypt_value(text, CIPHER, "a:")


def test_the_form_alone_is_recognised() -> None:
    assert is_encrypted(SEALER.seal("x", "a"))
    assert not is_encrypted("ENC[AES256_GCM,data:x]")
