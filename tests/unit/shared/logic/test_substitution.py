import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.expansion import BadSubstitution
from shared.logic.substitution import (
    MAX_DEPTH,
    InvalidVariableName,
    SubstitutionTooLarge,
    VariableNotSet,
    one_line,
    require_names,
    substitute,
)

VARIABLES = {
    "v": "abcABC123ABCabc",
    "low": "éclair",
    "file": "/path/to/file.tar.gz",
    "empty": "",
    "expr": "${v}",
    "n": "11",
    "nine": "123456789",
}

EXPANSIONS = {
    "plain text": ("a: b", "a: b"),
    "a value": ("x${v}y", "xabcABC123ABCabcy"),
    "a value is not expanded again": ("${expr}", "${v}"),
    "an empty value": ("[${empty}]", "[]"),
    "no braces": ("$v $ $1 $(v)", "$v $ $1 $(v)"),
    "escape": ("$${v}", "${v}"),
    "escape before a value": ("$$${n}", "$11"),
    "two dollars anywhere": ("cost: 5$$", "cost: 5$"),
    "four dollars": ("$$$$", "$$"),
    "a dollar at the end": ("a$", "a$"),
    "length in bytes": ("${#low}", "7"),
    "upper first": ("${low^}", "Éclair"),
    "upper": ("${low^^}", "ÉCLAIR"),
    "lower first": ("${v,}", "abcABC123ABCabc"),
    "lower": ("${v,,}", "abcabc123abcabc"),
    "substring": ("${nine:3}", "456789"),
    "substring with length": ("${nine:3:2}", "45"),
    "substring at a space is no number": ("${nine: -2}", "123456789"),
    "substring past the end": ("${nine:20}", ""),
    "substring longer than the rest": ("${nine:7:20}", "89"),
    "substring with a negative length": ("${nine:1:-1}", "2345678"),
    "substring at no number": ("${nine:x}", "123456789"),
    "substring with nested start": ("${nine:${n}}", ""),
    "shortest prefix": ("${file#*/}", "path/to/file.tar.gz"),
    "longest prefix": ("${file##*/}", "file.tar.gz"),
    "shortest suffix": ("${file%.*}", "/path/to/file.tar"),
    "longest suffix": ("${file%%.*}", "/path/to/file"),
    "prefix with a question mark": ("${nine#??}", "3456789"),
    "prefix with a class": ("${v#[a-c][!b]*}", "cABC123ABCabc"),
    "prefix with a negated class": ("${nine##[^9]*[78]}", "9"),
    "suffix with a class": ("${file%[yz]}", "/path/to/file.tar.g"),
    "prefix that does not match": ("${nine#x*}", "123456789"),
    "an unclosed class changes nothing": ("${nine#[1}", "123456789"),
    "everything": ("${nine##*}", ""),
    "first": ("${v/abc/X}", "XABC123ABCabc"),
    "all": ("${v//abc/X}", "XABC123ABCX"),
    "as prefix": ("${v/#abc/X}", "XABC123ABCabc"),
    "as suffix": ("${v/%abc/X}", "abcABC123ABCX"),
    "remove": ("${v/abc/}", "ABC123ABCabc"),
    "prepend": ("${nine/#/0}", "0123456789"),
    "append": ("${nine/%/0}", "1234567890"),
    "an escaped slash": (r"${file//\//-}", "-path-to-file.tar.gz"),
    "an escaped backslash stands for one": (r"${nine/1/\\}", "\\23456789"),
    "a dollar pair in a replacement": ("${nine/1/$$}", "$23456789"),
    "the pattern is literal": ("${file/./}", "/path/to/filetar.gz"),
    "default of a set variable": ("${n:-x}", "11"),
    "default of an empty variable": ("${empty:-x}", "x"),
    "default of an unset variable": ("${unset:-x y}", "x y"),
    "assigned default": ("${unset:=x}", "x"),
    "default by equals": ("${unset=x}", "x"),
    "question mark is a default": ("${unset:?x}", "x"),
    "plus is a default": ("${n:+x}", "11"),
    "an empty default": ("[${unset:-}]", "[]"),
    "nested default": ("${unset:-a${n}b${other:-c}}d", "a11bcd"),
    "dollars in a default stay": ("${unset:-$$5}", "$$5"),
    "recursion ends": ("${a:=${b:=${a:-x}}}", "x"),
    "a document marker in a value": ("${unset:----}", "---"),
}


@pytest.mark.parametrize(("text", "expected"), EXPANSIONS.values(), ids=EXPANSIONS)
def test_expands(text: str, expected: str) -> None:
    assert substitute(text, VARIABLES) == expected


REFUSED = {
    "no name": ("${}", "unable to parse variable name"),
    "a dot in a name": ("${a.b}", "missing closing brace"),
    "a space in a name": ("${a b}", "missing closing brace"),
    "never closed": ("${v", "missing closing brace"),
    "minus without colon": ("${v-d}", "missing closing brace"),
    "plus without colon": ("${v+d}", "missing closing brace"),
    "question without colon": ("${v?d}", "missing closing brace"),
    "a default never closed": ("${v:-x", "unable to parse substitution within function"),
    "no position": ("${v:}", "unable to parse substitution within function"),
    "no second slash": ("${v/abc}", "bad substitution"),
    "length with an operator": ("${#v^}", "bad substitution"),
    "a letter behind a case operator": ("${v^^x}", "bad substitution"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(BadSubstitution, match=f"^{message}$"):
        substitute(text, VARIABLES)


@pytest.mark.parametrize(
    "text",
    [
        "${unset}",
        "${1x}",
        "${#unset}",
        "${unset^}",
        "${unset:0}",
        "${unset/a/b}",
        "${unset#a}",
        "${n:-${unset}}",
    ],
)
def test_an_unset_variable_fails_in_strict_mode_only(text: str) -> None:
    with pytest.raises(VariableNotSet, match=r'^variable not set \(strict mode\): "'):
        substitute(text, VARIABLES)
    substitute(text, VARIABLES, strict=False)


def test_an_unset_variable_is_empty_when_not_strict() -> None:
    assert substitute("[${unset}${#unset}]", {}, strict=False) == "[0]"


BOMBS = {
    "growth by replacement": "${big//a/" + "b" * 1000 + "}",
    "many large values": "${big}" * 100,
    "deep nesting": "${x:-" * (MAX_DEPTH + 1) + "}" * (MAX_DEPTH + 1),
    "expensive globs": "${big##*?b?b?b?b?b}" * 100,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_refuses_work_out_of_proportion(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(BadSubstitution):
        substitute(text, {"big": "a" * 1_000_000})
    assert time.monotonic() - started < 10


def test_the_result_is_bounded() -> None:
    with pytest.raises(SubstitutionTooLarge):
        substitute("${big}" * 20, {"big": "a" * 1_000_000})


@given(st.text(alphabet="${}:-/#%^,avb*?[]\\ 0"))
def test_never_raises_anything_else(text: str) -> None:
    with contextlib.suppress(BadSubstitution):
        substitute(text, {"a": "bab", "v": "a/b"}, strict=False)


@given(st.text())
def test_dollars_can_always_be_escaped(text: str) -> None:
    assert substitute(text.replace("$", "$$"), {}) == text


@given(st.text(), st.from_regex(r"[_a-zA-Z][_a-zA-Z0-9]{0,8}", fullmatch=True))
def test_a_value_arrives_as_it_is(value: str, name: str) -> None:
    require_names({name: value})
    assert substitute(f"${{{name}}}", {name: value}) == value


@pytest.mark.parametrize("name", ["my-key", "1st", "", "a.b", "ä", "a\n"])
def test_refuses_names_that_no_expression_can_use(name: str) -> None:
    with pytest.raises(InvalidVariableName, match="var name is invalid"):
        require_names({"fine": "", name: ""})


def test_newlines_are_removed_from_values() -> None:
    assert one_line("a\nb\r\n") == "ab\r"
