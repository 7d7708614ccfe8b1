"""The formats that SOPS knows, how a file's name or content tells them (specs/kustomize.md 6.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from controllers.kustomize.sops.dotenv_document import DotenvDocument, dotenv_content
from controllers.kustomize.sops.errors import DocumentInvalid
from controllers.kustomize.sops.ini_document import IniDocument, ini_content
from controllers.kustomize.sops.json_document import JsonDocument, binary_content, json_content
from controllers.kustomize.sops.tree import Branch, Document, Plain
from controllers.kustomize.sops.yaml_document import YamlDocument, yaml_content


class Format(Enum):
    YAML = "yaml"
    JSON = "json"
    DOTENV = "dotenv"
    INI = "ini"
    BINARY = "binary"


_SUFFIXES: Mapping[str, Format] = {
    ".yaml": Format.YAML,
    ".yml": Format.YAML,
    ".json": Format.JSON,
    ".dockerconfigjson": Format.JSON,
    ".env": Format.DOTENV,
    ".ini": Format.INI,
}
_MARKERS: Mapping[Format, bytes] = {
    Format.YAML: b"mac: ENC[",
    Format.JSON: b'"mac": "ENC[',
    Format.DOTENV: b"sops_mac=ENC[",
    Format.INI: b"[sops]",
    # A binary document is JSON around the data.
    Format.BINARY: b'"mac": "ENC[',
}
_READERS: Mapping[Format, Callable[[bytes], Document]] = {
    Format.YAML: YamlDocument.read,
    Format.JSON: JsonDocument.read,
    Format.DOTENV: DotenvDocument.read,
    Format.INI: IniDocument.read,
    Format.BINARY: JsonDocument.read,
}
_WRITERS: Mapping[Format, Callable[[Branch], bytes]] = {
    Format.YAML: yaml_content,
    Format.JSON: json_content,
    Format.DOTENV: dotenv_content,
    Format.INI: ini_content,
    Format.BINARY: binary_content,
}


def format_of_name(name: str, default: Format = Format.BINARY) -> Format:
    """By the end of a file's name or of a Secret's key."""
    return next((known for suffix, known in _SUFFIXES.items() if name.endswith(suffix)), default)


def format_of_content(content: bytes) -> Format | None:
    """The format whose marker the bytes hold; None when they are not encrypted."""
    return next((known for known, marker in _MARKERS.items() if marker in content), None)


def is_marked(content: bytes, as_format: Format) -> bool:
    """Do the bytes hold the marker of that format?"""
    return _MARKERS[as_format] in content


def read(content: bytes, as_format: Format) -> Document:
    """Raises DocumentInvalid."""
    return _READERS[as_format](content)


def render(plain: Plain, as_format: Format) -> bytes:
    """The plain document in that format, whatever it came in. Raises DocumentInvalid."""
    if as_format is Format.YAML and plain.layout is not None:
        return plain.layout
    try:
        return _WRITERS[as_format](plain.tree)
    except UnicodeEncodeError as error:
        raise DocumentInvalid(f"it holds bytes that {as_format.value} cannot hold") from error
