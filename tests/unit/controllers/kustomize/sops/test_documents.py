"""Documents that somebody changed, mixed up or made to do harm: each ends in a typed error, soon."""

import json
import time
from typing import Any

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.kustomize.sops import formats
from controllers.kustomize.sops.errors import DocumentInvalid, MacMismatch, SopsError, ValueTampered
from controllers.kustomize.sops.formats import Format
from controllers.kustomize.sops.metadata import Metadata
from controllers.kustomize.sops.opener import Opener
from tests.fakes.sops_writer import Sealer, sealed_json

ME = pyrage.x25519.Identity.generate()


def plain(content: bytes, form: Format, target: Format | None = None) -> bytes:
    document = formats.read(content, form)
    key = pyrage.decrypt(document.metadata.groups[0][0].encrypted.encode(), [ME])
    opener = Opener(document.metadata, key)
    opened = document.open(opener)
    opener.require_mac()
    return formats.render(opened, target or form)


def changed(content: bytes, change: Any) -> bytes:
    document = json.loads(content)
    change(document)
    return json.dumps(document).encode()


TWO = sealed_json(ME.to_public(), {"user": "admin", "password": "s3cr3t", "host_unencrypted": "db"})


def _swap(document: dict[str, Any]) -> None:
    document["user"], document["password"] = document["password"], document["user"]


def _visible(document: dict[str, Any]) -> None:
    document["host_unencrypted"] = "evil"


def _dropped(document: dict[str, Any]) -> None:
    del document["user"]


def _added(document: dict[str, Any]) -> None:
    document["more_unencrypted"] = "x"


def _plain(document: dict[str, Any]) -> None:
    document["password"] = "mine"


def _number(document: dict[str, Any]) -> None:
    document["password"] = 5


def _mac(document: dict[str, Any]) -> None:
    document["sops"]["mac"] = document["user"]


def _moment(document: dict[str, Any]) -> None:
    document["sops"]["lastmodified"] = "2030-01-01T00:00:00Z"


def _rule(document: dict[str, Any]) -> None:
    document["sops"]["encrypted_regex"] = "^password$"
    del document["sops"]["unencrypted_suffix"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param(_swap, ValueTampered, id="two values swapped"),
        pytest.param(_visible, MacMismatch, id="a plain value changed"),
        pytest.param(_dropped, MacMismatch, id="a value removed"),
        pytest.param(_added, MacMismatch, id="a plain value added"),
        pytest.param(_plain, DocumentInvalid, id="a value replaced by a plain one"),
        pytest.param(_number, DocumentInvalid, id="a value replaced by a number"),
        pytest.param(_mac, MacMismatch, id="the MAC replaced by another value"),
        pytest.param(_moment, MacMismatch, id="the time of the MAC changed"),
        pytest.param(_rule, MacMismatch, id="the rule changed"),
    ],
)
def test_a_changed_document_is_refused_and_tells_no_secret(change: Any, error: type[SopsError]) -> None:
    with pytest.raises(error) as caught:
        plain(changed(TWO, change), Format.JSON)
    assert "s3cr3t" not in str(caught.value)
    assert "ENC[" not in str(caught.value)


@pytest.mark.parametrize(
    ("form", "content"),
    [
        (Format.YAML, b"sops: {mac: ENC[x]}\n"),
        (Format.YAML, b"a: 1\n# mac: ENC[\n"),
        (Format.YAML, b"sops:\n  mac: ENC[\n"),
        (Format.YAML, b"sops: text\nmac: ENC[\n"),
        (Format.YAML, b"a: &x ENC[AES256_GCM\nb: *x\nsops:\n  mac: ENC[\n"),
        (Format.YAML, b"- a\n- mac: ENC[\n"),
        (Format.YAML, b"1: mac: ENC["),
        (Format.YAML, b"? [a]\n: mac: ENC[\n"),
        (Format.YAML, b"a: .inf\nsops:\n  mac: ENC[\n"),
        (Format.YAML, b"\xff\xfe\x00"),
        (Format.YAML, b"a: " + b"[" * 5_000),
        (Format.YAML, b"{a: " * 5_000),
        (Format.JSON, b'{"mac": "ENC["}'),
        (Format.JSON, b'{"sops": {"mac": "ENC["}}'),
        (Format.JSON, b'{"sops": []}'),
        (Format.JSON, b"[]"),
        (Format.JSON, b"{"),
        (Format.JSON, b'{"a": NaN}'),
        (Format.JSON, b'{"a": 1e999}'),
        (Format.JSON, b'{"a": ' + b"9" * 5_000 + b"}"),
        (Format.JSON, b"[" * 100_000),
        (Format.JSON, b'{"sops": ' + b"[" * 600 + b"]" * 600 + b"}"),
        (Format.JSON, b'{"sops": ' + b'{"a": ' * 400 + b"1" + b"}" * 400 + b"}"),
        (Format.JSON, b'{"a":' * 100_000),
        (Format.DOTENV, b"sops_mac=ENC["),
        (Format.DOTENV, b"no equals sign"),
        (Format.DOTENV, b"sops_a=1\nsops_a=2\n"),
        (Format.DOTENV, b"sops_a=1\nsops_a__map_b=2\n"),
        (
            Format.DOTENV,
            b"sops_age__list_" + b"9" * 5_000 + b"__map_enc=x\nsops_lastmodified=2024-11-12T13:33:42Z",
        ),
        (Format.DOTENV, b"sops" + b"__map_" * 50_000 + b"=1"),
        (Format.INI, b"[sops]\nmac = ENC[\n"),
        (Format.INI, b"[sops\n"),
        (Format.INI, b"nothing"),
        (Format.INI, b'a = """never closed\n'),
        (Format.BINARY, b"\x00\xff"),
    ],
)
def test_what_is_no_document_is_refused(form: Format, content: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(DocumentInvalid) as caught:
        formats.read(content, form)
    assert time.monotonic() - started < 2
    assert len(str(caught.value)) < 300


@settings(max_examples=150)
@given(st.sampled_from(list(Format)), st.binary(max_size=200))
def test_any_bytes_end_in_a_document_or_a_typed_error(form: Format, content: bytes) -> None:
    try:
        formats.read(content, form)
    except DocumentInvalid:
        pass
    else:
        raise AssertionError("random bytes are no document")


BLOCK: dict[str, Any] = {"lastmodified": "2024-11-12T13:33:42Z", "mac": "x", "age": [{"enc": "x"}]}


@pytest.mark.parametrize(
    "more",
    [
        {"age": []},
        {"age": "text"},
        {"age": [1]},
        {"age": [{"enc": ""}]},
        {"age": [{"enc": "x" * 40_000}]},
        {"age": [{"enc": "x"}] * 201},
        {"age": [], "key_groups": [1]},
        {"lastmodified": "yesterday"},
        {"lastmodified": None},
        {"encrypted_regex": "a", "unencrypted_suffix": "b"},
        {"encrypted_regex": "("},
        {"encrypted_regex": 5},
        {"shamir_threshold": "many"},
        {"shamir_threshold": -1},
    ],
)
def test_a_broken_sops_block_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(DocumentInvalid):
        Metadata.parse(BLOCK | more)


def test_a_regex_that_explodes_elsewhere_takes_linear_time() -> None:
    rules = Metadata.parse(BLOCK | {"encrypted_regex": "^(a+)+$"}).rules
    started = time.monotonic()
    assert not rules.encrypts(("a" * 50_000 + "!",), "x")
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("rule", "path", "encrypted"),
    [
        ({}, ("a",), True),
        ({}, ("a_unencrypted", "b"), False),
        ({"unencrypted_suffix": "_plain"}, ("a_plain",), False),
        ({"encrypted_suffix": "_secret"}, ("a",), False),
        ({"encrypted_suffix": "_secret"}, ("a_secret", "b"), True),
        ({"encrypted_regex": "^(data|stringData)$"}, ("data", "x"), True),
        ({"encrypted_regex": "^(data|stringData)$"}, ("metadata", "x"), False),
        ({"unencrypted_regex": "^meta"}, ("metadata", "x"), False),
        ({"unencrypted_regex": "^meta"}, ("spec", "x"), True),
    ],
)
def test_the_rules_decide_by_any_part_of_the_path(rule: Any, path: tuple[str, ...], encrypted: bool) -> None:
    assert Metadata.parse(BLOCK | rule).rules.encrypts(path, "x") is encrypted


def test_another_format_can_be_written_than_was_read() -> None:
    content = sealed_json(ME.to_public(), {"a": "one: two", "num": 5, "b": True})
    assert plain(content, Format.JSON, Format.YAML) == b"a: 'one: two'\nnum: 5\nb: true\n"
    assert plain(content, Format.JSON, Format.DOTENV) == b"a=one: two\nnum=5\nb=true\n"
    with pytest.raises(DocumentInvalid, match="not a section"):
        plain(content, Format.JSON, Format.INI)
    with pytest.raises(DocumentInvalid, match="no binary data"):
        plain(content, Format.JSON, Format.BINARY)


def test_bytes_that_are_not_text_stay_binary() -> None:
    content = sealed_json(ME.to_public(), {"data": b"\xff\x00\x80".decode("utf-8", "surrogateescape")})
    assert plain(content, Format.BINARY) == b"\xff\x00\x80"
    with pytest.raises(DocumentInvalid, match="not UTF-8"):
        plain(content, Format.BINARY, Format.JSON)


# Among them long ones with spaces, at which a writer might fold.
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.sampled_from("a \n'\"#:\\\r\t\x85\u2028\ufeff\U0001f680"), max_size=40),
    st.text(st.sampled_from("ab '\"é"), min_size=80, max_size=200),
)


@settings(max_examples=150)
@given(st.lists(st.one_of(texts, st.integers(-(2**63), 2**63 - 1), st.booleans()), min_size=1, max_size=4))
def test_a_yaml_file_reads_as_what_was_sealed(values: list[Any]) -> None:
    from shared.logic.go_yaml import Dialect, read_document

    sealer = Sealer(ME.to_public())
    listed = [f"- {sealer.seal(value, 'in', 'list') or chr(34) * 2}" for value in values]
    nested = [
        f"k{at}: {sealer.seal(value, 'in', f'k{at}') or chr(34) * 2}" for at, value in enumerate(values)
    ]
    body = "\n    ".join(["in:", "list:", *("    " + line for line in listed), *nested])
    content = f"{body}\nsops: {json.dumps(sealer.metadata())}\n"
    found = read_document(plain(content.encode(), Format.YAML), dialect=Dialect.KYAML)
    assert found == {"in": {"list": values, **{f"k{at}": value for at, value in enumerate(values)}}}
