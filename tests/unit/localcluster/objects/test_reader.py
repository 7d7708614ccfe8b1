"""Request bodies: bounds, repeated keys, and YAML as the server's library reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcluster.objects.errors import BadRequest, TooLarge
from localcluster.objects.reader import MAX_BYTES, read_json
from localcluster.objects.reader_yaml import read_yaml


def test_a_repeated_key_is_told_with_its_path_and_objects_are_merged():
    document = read_json(b'{"data":{"x":"1"},"data":{"y":"2"},"l":[{"a":{"b":1,"b":2}}]}')
    assert document.content == {"data": {"x": "1", "y": "2"}, "l": [{"a": {"b": 2}}]}
    assert document.duplicates == ('duplicate field "data"', 'duplicate field "l[0].a.b"')


def test_of_a_custom_resource_the_last_of_repeated_keys_counts():
    assert read_json(b'{"a":{"x":1},"a":{"y":2}}', merge=False).content == {"a": {"y": 2}}


def test_numbers_of_more_than_64_bits_are_floats():
    text = "1" + "0" * 30
    assert read_json(f'{{"a":{text}}}'.encode()).content == {"a": 1e30}
    assert read_json(f'{{"a":{text},"b":1,"b":1}}'.encode()).content["a"] == 1e30
    assert read_yaml(f"a: {text}".encode()).content == {"a": 1e30}


def test_half_a_surrogate_pair_is_refused():
    for read in (read_json, read_yaml):
        with pytest.raises(BadRequest):
            read(b'{"a": "\\ud800"}')


def test_text_that_looks_like_keys_is_not_mistaken_for_repeated_ones():
    document = read_json(b'{"data":{"config.json":"{\\"a\\": 1, \\"a\\": 2}"}}')
    assert document.duplicates == ()


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a":NaN}', b"[1,]", b"\xff", b"[" * 5000, b'{"a":' * 200 + b"1" + b"}" * 200]
)
def test_malformed_or_deep_json_is_a_bad_request(body):
    with pytest.raises(BadRequest):
        read_json(body)


def test_bodies_are_bounded():
    for read in (read_json, read_yaml):
        with pytest.raises(TooLarge):
            read(b" " * (MAX_BYTES + 1))


YAML = {
    "yes: no": {"true": False},
    "a: 0777": {"a": 511},
    "a: 0x1F": {"a": 31},
    "a: 2020-01-01": {"a": "2020-01-01"},
    "a: 1:30": {"a": "1:30"},
    "a: 1e3": {"a": 1000},
    "a: .5": {"a": 0.5},
    "a: ~": {"a": None},
    "a:": {"a": None},
    'a: "yes"': {"a": "yes"},
    "80: http": {"80": "http"},
    "x: &x {a: 1}\nz: {<<: *x, b: 2}": {"x": {"a": 1}, "z": {"a": 1, "b": 2}},
    "y: 1": {"true": 1},
    "- 1\n- [a, b]": [1, ["a", "b"]],
    "": None,
}


@pytest.mark.parametrize(("text", "wanted"), YAML.items(), ids=YAML.keys())
def test_yaml(text, wanted):
    content = read_yaml(text.encode()).content
    assert content == wanted
    assert repr(content) == repr(wanted)


def test_a_repeated_key_in_yaml_is_told_with_its_line():
    assert read_yaml(b"a: 1\nb: 2\na: 3\n").duplicates == ('line 3: key "a" already set in map',)


@pytest.mark.parametrize(
    "text",
    ["{a: [", "a: .nan", "? [a]\n: b", "a: b: c", "\x00", "<<: 1", "a: !!binary x\n\t"],
    ids=repr,
)
def test_malformed_yaml_is_a_bad_request(text):
    with pytest.raises(BadRequest):
        read_yaml(text.encode())


def test_aliases_cannot_blow_a_document_up():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(BadRequest, match="aliasing"):
        read_yaml("\n".join(lines).encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body):
    for read in (read_json, read_yaml):
        try:
            read(body)
        except BadRequest:
            continue
