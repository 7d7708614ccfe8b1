"""Tell the documents of rendered files apart, into manifest and hooks, as Helm does (specs/helm.md 20.2).

The rules are those of Helm 4.2: what separates documents, what is kept of white space, what counts as a hook.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.charts.errors import RenderedTooBig, RenderFailed
from shared.charts.kind_order import install_key
from shared.charts.rendered import Hook
from shared.logic.go_yaml import YamlError, read_document

MAX_DOCUMENTS = 20_000
_SEPARATOR = re.compile(r"(?:^|[\t\n\f\r ]*\n)---[\t\n\f\r ]*")
_SOURCE = re.compile(r"^---\n# Source: ([^\n]*)\n", re.MULTILINE)
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_EVENTS = {
    "pre-install": "pre-install",
    "post-install": "post-install",
    "pre-delete": "pre-delete",
    "post-delete": "post-delete",
    "pre-upgrade": "pre-upgrade",
    "post-upgrade": "post-upgrade",
    "pre-rollback": "pre-rollback",
    "post-rollback": "post-rollback",
    "test": "test",
    "test-success": "test",  # what Helm 2 called it
}

Reader = Callable[[str], Any]
"""YAML text -> JSON value; raises YamlError."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """`manifest` and `hooks` as in a release; `unknown` are hook annotations that name no event of Helm."""

    manifest: str
    hooks: tuple[Hook, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Head:
    kind: str
    name: str
    annotations: Mapping[str, str]


def arrange(files: Mapping[str, str], read: Reader = read_document) -> Arranged:
    """Rendered files (path -> text) in install order; hooks of an unknown event are left out, as in Helm.

    Raises RenderFailed for a document that is no object, RenderedTooBig for too many.
    """
    documents: list[tuple[tuple[int, str], str, str]] = []
    hooks: list[Hook] = []
    unknown: list[str] = []
    for path, text in _documents(files):
        head = _head(path, text, read)
        wanted = head.annotations.get("helm.sh/hook")
        if wanted is None:
            documents.append((install_key(head.kind), path, text))
        elif (events := _events(wanted)) is None:
            unknown.append(wanted)
        else:
            hooks.append(_hook(path, text, head, events))
    documents.sort(key=lambda document: document[0])
    hooks.sort(key=lambda hook: install_key(hook.kind))
    manifest = "".join(f"---\n# Source: {path}\n{text}\n" for _, path, text in documents)
    return Arranged(manifest, tuple(hooks), tuple(unknown))


def by_source(manifest: str) -> list[tuple[str, str]]:
    """The documents of a release's manifest in its order, each with the template that it came from."""
    parts = _SOURCE.split(manifest)[1:]
    return [(path, text.removesuffix("\n")) for path, text in zip(parts[::2], parts[1::2], strict=True)]


def _documents(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    count = 0
    for path in sorted(files, key=str.encode):
        text = files[path]
        if path.rpartition("/")[2].startswith("_") or not text.strip():
            continue
        for part in _SEPARATOR.split(text.lstrip()):
            if not part:
                continue
            count += 1
            if count > MAX_DOCUMENTS:
                raise RenderedTooBig(f"the chart renders more than {MAX_DOCUMENTS} documents")
            yield path, part.lstrip()


def _head(path: str, text: str, read: Reader) -> _Head:
    try:
        value = read(text)
    except YamlError as error:
        raise RenderFailed(f"YAML parse error on {path}: {error}") from error
    root = _map(value, "the document", path)
    metadata = _map(root.get("metadata"), "metadata", path)
    annotations = _map(metadata.get("annotations"), "metadata.annotations", path)
    return _Head(
        kind=_text(root.get("kind"), "kind", path),
        name=_text(metadata.get("name"), "metadata.name", path),
        annotations={
            key: _text(item, f"metadata.annotations.{key}", path) for key, item in annotations.items()
        },
    )


def _map(value: Any, what: str, path: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RenderFailed(f"YAML parse error on {path}: {what} is not a map")
    return value


def _text(value: Any, what: str, path: str) -> str:
    """Numbers and booleans become text, as where Helm reads them into text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise RenderFailed(f"YAML parse error on {path}: {what} is not text")
    return str(value)


def _events(annotation: str) -> list[str] | None:
    events = [_EVENTS.get(event) for event in _listed(annotation)]
    known = [event for event in events if event is not None]
    return known if len(known) == len(events) else None


def _hook(path: str, text: str, head: _Head, events: list[str]) -> Hook:
    weight = head.annotations.get("helm.sh/hook-weight", "")
    return Hook(
        name=head.name,
        kind=head.kind,
        path=path,
        manifest=text,
        events=tuple(events),
        weight=int(weight) if _INTEGER.fullmatch(weight) else 0,
        delete_policies=_policies(head, "helm.sh/hook-delete-policy"),
        output_log_policies=_policies(head, "helm.sh/hook-output-log-policy"),
    )


def _policies(head: _Head, annotation: str) -> tuple[str, ...]:
    value = head.annotations.get(annotation)
    return () if value is None else tuple(_listed(value))


def _listed(annotation: str) -> list[str]:
    return [item.strip().lower() for item in annotation.split(",")]
