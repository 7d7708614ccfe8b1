"""Read objects from the text of a resource or patch file."""

from collections import deque
from typing import Any

from shared.kustomize.errors import ResourceInvalid
from shared.kustomize.resource import Resource, Source
from shared.logic.go_spelling import Blank, scalar_text
from shared.logic.go_yaml import Dialect, Document, Limits, YamlError, read_documents

_LISTS = ("List", "ResourceList")


def read_resources(content: bytes | str, path: str, limits: Limits) -> list[Resource]:
    """The objects of a file in order; lists are replaced by their items, at the end.

    Raises ResourceInvalid, which names the file and the line.
    """
    try:
        documents = read_documents(content, limits=limits, dialect=Dialect.KYAML)
    except YamlError as error:
        raise ResourceInvalid(f"{Source(path, error.line)}: {error.message}") from error
    waiting = deque(_unwrapped(documents))
    found = []
    while waiting:
        document = waiting.popleft()
        if document.value is None or isinstance(document.value, Blank) or document.value == {}:
            continue
        kind = _require_identity(document, path)
        if kind.endswith("List") and "items" in document.value:
            waiting.extend(_items(document, kind, path))
        else:
            found.append(Resource(document.value, Source(path, document.line)))
    return found


def _unwrapped(documents: list[Document]) -> list[Document]:
    """The items of a List that is the file's only document need nothing that a list itself lacks."""
    if len(documents) == 1:
        value, line = documents[0].value, documents[0].line
        if isinstance(value, dict) and value.get("kind") in _LISTS and isinstance(value.get("items"), list):
            return [Document(item, line) for item in value["items"]]
    return documents


def _items(document: Document, kind: str, path: str) -> list[Document]:
    items = document.value.get("items")
    if items is None or isinstance(items, Blank):
        return []
    if not isinstance(items, list):
        raise ResourceInvalid(f"{Source(path, document.line)}: the items of {kind} are not a list")
    return [Document(item, document.line) for item in items]


def _require_identity(document: Document, path: str) -> str:
    """The kind of an object that has a kind and, unless it is a list, a name."""
    value, place = document.value, Source(path, document.line)
    if not isinstance(value, dict):
        raise ResourceInvalid(f"{place}: not a Kubernetes object: expected a mapping")
    kind = _text(value.get("kind"))
    if not kind:
        raise ResourceInvalid(f"{place}: missing kind in object")
    metadata = value.get("metadata")
    if metadata is not None and not isinstance(metadata, dict | Blank):
        raise ResourceInvalid(f"{place}: the metadata of {kind} are not a mapping")
    if kind.endswith("List"):
        return kind
    metadata = metadata if isinstance(metadata, dict) else {}
    if not _text(metadata.get("name")):
        raise ResourceInvalid(f"{place}: missing metadata.name in {kind}")
    for field in ("labels", "annotations"):
        if metadata.get(field) is not None and not isinstance(metadata[field], dict | Blank):
            raise ResourceInvalid(f"{place}: metadata.{field} of {kind}/{metadata['name']} are not a mapping")
    return kind


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list | bool) else scalar_text(value)
