"""SOPS documents in JSON, and the binary ones, which are JSON with a single `data`."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn, Self

from controllers.kustomize.sops.errors import DocumentInvalid
from controllers.kustomize.sops.metadata import Metadata
from controllers.kustomize.sops.opener import Opener
from controllers.kustomize.sops.tree import (
    MAX_DEPTH,
    METADATA_KEY,
    Branch,
    Plain,
    decoded,
    json_of,
    opened,
    require_text,
)
from controllers.kustomize.sops.values import Comment

_INT64 = range(-(2**63), 2**63)
_MAX_DIGITS = 400
# Go's encoder escapes what could end a script element, too.
_HTML = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


@dataclass(frozen=True, slots=True)
class JsonDocument:
    metadata: Metadata
    tree: Branch

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Raises DocumentInvalid."""
        root = _parse(decoded(content))
        if not isinstance(root, Branch):
            raise DocumentInvalid("not a JSON object")
        metadata = root.find(METADATA_KEY)
        return cls(Metadata.parse(json_of(metadata)), root.without(METADATA_KEY))

    def open(self, opener: Opener) -> Plain:
        return Plain(opened(self.tree, opener))


def binary_content(tree: Branch) -> bytes:
    """The bytes that a binary document holds. Raises DocumentInvalid."""
    data = tree.find("data")
    if not isinstance(data, str):
        raise DocumentInvalid("it holds no binary data, but a document with fields")
    return data.encode("utf-8", "surrogateescape")


def json_content(tree: Branch) -> bytes:
    """Indented by tabs, as SOPS writes it. Raises DocumentInvalid for bytes that are not text."""
    return (_written(tree, 0) + "\n").encode()


def _parse(text: str) -> Any:
    try:
        value = json.loads(
            text, object_pairs_hook=Branch, parse_int=_integer, parse_constant=_refused, parse_float=_number
        )
    except RecursionError as error:
        raise DocumentInvalid("nested too deep") from error
    except json.JSONDecodeError as error:
        raise DocumentInvalid(f"not JSON: {error.msg} in line {error.lineno}") from error
    _require_shallow(value)
    return value


def _require_shallow(root: Any) -> None:
    """Whatever walks the tree later may call itself for every level."""
    level = [root]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            match value:
                case Branch():
                    below += [item for _, item in value.items]
                case list():
                    below += value
        if not below:
            return
        level = below
    raise DocumentInvalid(f"nested more than {MAX_DEPTH} levels deep")


def _integer(text: str) -> int | float:
    if len(text) > _MAX_DIGITS:
        raise DocumentInvalid("a number has too many digits")
    value = int(text)
    return value if value in _INT64 else _number(text)


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise DocumentInvalid("a number is too large")
    return value


def _refused(name: str) -> NoReturn:
    raise DocumentInvalid(f"{name} is not JSON")


def _written(value: Any, depth: int) -> str:
    inner, outer = "\n" + "\t" * (depth + 1), "\n" + "\t" * depth
    match value:
        case Branch():
            members = [
                f"{_quoted(key)}: {_written(item, depth + 1)}"
                for key, item in value.items
                if not isinstance(key, Comment)
            ]
            return "{" + inner + ("," + inner).join(members) + outer + "}" if members else "{}"
        case list():
            items = [_written(item, depth + 1) for item in value if not isinstance(item, Comment)]
            return "[" + inner + ("," + inner).join(items) + outer + "]" if items else "[]"
        case str():
            return _quoted(value)
        case float():
            return _go_number(value)
        case _:
            return json.dumps(value)


def _quoted(text: str) -> str:
    return json.dumps(require_text(text), ensure_ascii=False).translate(_HTML)


def _go_number(value: float) -> str:
    """encoding/json: no exponent between 1e-6 and 1e21, and none with a leading zero."""
    if not math.isfinite(value):
        raise DocumentInvalid("a number cannot be written as JSON")
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        text = format(Decimal(repr(value)), "f")
        return text.removesuffix(".0")
    return repr(value).replace("e-0", "e-")
