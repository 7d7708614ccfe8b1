"""What was built or would change, as text, JSON, Markdown or JUnit. Values of Secrets are never printed."""

from __future__ import annotations

import difflib
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

from cli.offline.cluster import Applied
from cli.offline.kustomizations import Problem
from cli.printing import printable
from shared.logic.go_yaml_write import write
from shared.model.meta import Object

_TICKS = re.compile("`+")
_HIDDEN = "**hidden**"
_MOST_MARKDOWN = 60_000
"""Characters: hosts of pull requests take about 65,000 for a comment."""


@dataclass(frozen=True, slots=True)
class Change:
    """`word` is created, changed or deleted; `text` a unified diff of the objects as they are shown."""

    item: Applied
    word: str
    text: str

    @property
    def line(self) -> str:
        return f"{self.item.ref} {self.word} ({self.item.owner})"


def shown(obj: Object, key: bytes = b"") -> Object:
    """A Secret without its values. With a `key`, used once, a change of a value is still seen."""
    if obj.get("kind") != "Secret" or obj.get("apiVersion") != "v1":
        return obj
    return {
        field: {name: _hidden(text, key) for name, text in value.items()}
        if field in ("data", "stringData") and isinstance(value, Mapping)
        else value
        for field, value in obj.items()
    }


def _hidden(value: Any, key: bytes) -> str:
    if not key:
        return _HIDDEN
    return f"{_HIDDEN} {hashlib.blake2b(str(value).encode(), key=key, digest_size=4).hexdigest()}"


def changes(before: Iterable[Applied], after: Iterable[Applied]) -> list[Change]:
    """By object, whoever applies it, in the order of `after`; what is deleted comes last."""
    old = {item.identity: item for item in before}
    found: list[Change] = []
    # Told to nobody, so that no digest can be compared with that of a guess.
    key = secrets.token_bytes(32)
    for item in after:
        was = old.pop(item.identity, None)
        word = "created" if was is None else "changed"
        if was is None or was.object != item.object:
            found.append(Change(item, word, _difference(was, item, key)))
    return found + [Change(item, "deleted", _difference(item, None, key)) for item in old.values()]


def _difference(before: Applied | None, after: Applied | None, key: bytes) -> str:
    old, new = _lines(before, key), _lines(after, key)
    return "\n".join(difflib.unified_diff(old, new, "before", "after", lineterm=""))


def _lines(item: Applied | None, key: bytes) -> list[str]:
    return [] if item is None else write(shown(item.object, key)).splitlines()


def manifests(applied: Iterable[Applied]) -> str:
    """YAML, each object under a comment that says who applies it."""
    return "".join(f"# {printable(item.owner)}\n{write(shown(item.object))}---\n" for item in applied)


def manifests_json(applied: Iterable[Applied], problems: Sequence[Problem]) -> str:
    objects = [{"owner": item.owner, "object": shown(item.object)} for item in applied]
    return _json({"objects": objects, "problems": _plain(problems)})


def changes_text(found: Iterable[Change]) -> str:
    return "".join(f"► {printable(change.line)}\n{printable(change.text)}\n" for change in found)


def changes_json(found: Iterable[Change], problems: Sequence[Problem]) -> str:
    listed = [
        {
            "object": str(change.item.ref),
            "owner": change.item.owner,
            "change": change.word,
            "diff": change.text,
        }
        for change in found
    ]
    return _json({"changes": listed, "problems": _plain(problems)})


def changes_markdown(found: Sequence[Change], problems: Sequence[Problem]) -> str:
    """For a comment on a pull request; what does not fit is named without its difference."""
    parts = [f"### Headwater: {len(found)} objects change, {len(problems)} problems\n"]
    parts += [f"- ❌ `{problem.owner}`: {_inline(problem.message)}\n" for problem in problems]
    size = sum(map(len, parts))
    for change in found:
        fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(change.text)), default=0))
        whole = (
            f"\n<details><summary>{escape(change.line)}</summary>\n\n"
            f"{fence}diff\n{change.text}\n{fence}\n\n</details>\n"
        )
        part = whole if size + len(whole) < _MOST_MARKDOWN else f"\n- {escape(change.line)}\n"
        size += len(part)
        parts.append(part)
    return printable("".join(parts))


def _inline(text: str) -> str:
    return escape(" ".join(text.split()))


def junit(owners: Iterable[str], problems: Sequence[Problem]) -> str:
    """One case for each Kustomization and HelmRelease; those with problems fail."""
    failed: dict[str, list[str]] = {}
    for problem in problems:
        failed.setdefault(problem.owner, []).append(problem.message)
    names = sorted({*owners, *failed})
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="headwater" tests="{len(names)}" failures="{len(failed)}">',
    ]
    for name in names:
        kind, _, key = name.partition("/")
        case = f"  <testcase classname={quoteattr(kind)} name={quoteattr(printable(key))}"
        if name not in failed:
            lines.append(f"{case}/>")
            continue
        message = quoteattr(printable("; ".join(failed[name])))
        lines.append(f"{case}><failure message={message}/></testcase>")
    return "\n".join([*lines, "</testsuite>"]) + "\n"


def _plain(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"owner": problem.owner, "message": problem.message} for problem in problems]


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
