"""Which objects a patch, a replacement or a transformer is meant for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.kustomize import fields
from shared.kustomize.errors import KustomizationInvalid
from shared.kustomize.resid import ANY, Gvk

Matcher = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Selector:
    """A target: every part given must match. Parts of patches are anchored regular expressions."""

    gvk: Gvk = ANY
    name: str = ""
    namespace: str = ""
    label_selector: str = ""
    annotation_selector: str = ""

    @property
    def names_nothing(self) -> bool:
        """Whether it holds no part of an id (it may still select by labels or annotations)."""
        return not (any(self.gvk) or self.name or self.namespace)


def _make(group: str = "", version: str = "", kind: str = "", **rest: str) -> Selector:
    return Selector(gvk=Gvk(group, version, kind), **rest)


SELECTOR_SHAPE: fields.Shape = {
    "group": ("group", fields.text),
    "version": ("version", fields.text),
    "kind": ("kind", fields.text),
    "name": ("name", fields.text),
    "namespace": ("namespace", fields.text),
    "labelSelector": ("label_selector", fields.text),
    "annotationSelector": ("annotation_selector", fields.text),
}
selector = fields.structure(_make, SELECTOR_SHAPE)
strict_selector = fields.structure(_make, SELECTOR_SHAPE, strict=True)


@lru_cache(maxsize=512)
def anchored(pattern: str) -> Matcher:
    """Matches the whole text; an empty pattern matches any. Linear time, whatever the pattern."""
    if not pattern:
        return lambda _text: True
    if pattern.replace("-", "").isalnum():
        return pattern.__eq__  # by far the commonest pattern is a plain name
    compiled = compiled_regex(pattern)
    return lambda text: compiled.fullmatch(text) is not None


@lru_cache(maxsize=512)
def compiled_regex(pattern: str) -> Any:
    """A compiled pattern of RE2, whose syntax is Go's."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else error
        raise KustomizationInvalid(f"invalid regular expression {pattern!r}: {reason}") from error


@lru_cache(maxsize=256)
def label_requirements(selector_text: str) -> tuple[Callable[[Mapping[str, str]], bool], ...]:
    """The requirements of a label selector such as `app in (a, b), !old, tier!=db`."""
    return tuple(_requirement(part) for part in _split_requirements(selector_text))


def labels_match(selector_text: str, labels: Mapping[str, str]) -> bool:
    """Whether the labels meet every requirement; an empty selector is met by any."""
    return all(requirement(labels) for requirement in label_requirements(selector_text))


def _split_requirements(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        if char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    stripped = [part.strip() for part in parts]
    if depth != 0 or (len(stripped) > 1 and "" in stripped):
        raise KustomizationInvalid(f"unable to parse selector {text!r}")
    return [part for part in stripped if part]


def _requirement(text: str) -> Callable[[Mapping[str, str]], bool]:
    words = text.replace("(", " ( ").replace(")", " ) ").split()
    if len(words) > 2 and words[1] in ("in", "notin") and words[2] == "(" and words[-1] == ")":
        key, wanted = words[0], {value.strip() for value in text[text.index("(") + 1 : -1].split(",")}
        if words[1] == "in":
            return lambda labels: labels.get(key) in wanted
        return lambda labels: key not in labels or labels[key] not in wanted
    for operator in ("!=", "==", "="):
        key, found, value = (part.strip() for part in text.partition(operator))
        if found and key and " " not in key and not set(value) & set("=!, "):
            if operator == "!=":
                return lambda labels: labels.get(key) != value
            return lambda labels: key in labels and labels[key] == value
    if len(words) == 1 and not set(text) & set("=()"):
        name = text.removeprefix("!")
        if text.startswith("!") and name:
            return lambda labels: name not in labels
        if name == text:
            return lambda labels: name in labels
    raise KustomizationInvalid(f"unable to parse selector requirement {text!r}")
