"""Which form of answer a client asked for, from its Accept header."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from localcluster.status import no_representation, not_acceptable

_JSON = "application/json"
_YAML = "application/yaml"
_MAX_RANGES = 64


class Form(StrEnum):
    """What is made of an object before it is written."""

    WHOLE = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    METADATA_LIST = "PartialObjectMetadataList"


@dataclass(frozen=True, slots=True)
class Accepted:
    media_type: str = _JSON
    form: Form = Form.WHOLE

    @property
    def yaml(self) -> bool:
        return self.media_type == _YAML


@dataclass(frozen=True, slots=True)
class Range:
    """One element of an Accept header: a media type, its parameters, its weight."""

    type: str
    params: dict[str, str]
    weight: float


@lru_cache(maxsize=256)
def ranges(header: str) -> tuple[Range, ...]:
    """The elements of an Accept header, most wanted first."""
    found = []
    for element in header.split(",")[:_MAX_RANGES]:
        kind, *pairs = (part.strip() for part in element.split(";"))
        params = {
            key.strip().lower(): value.strip().strip('"')
            for key, _, value in (p.partition("=") for p in pairs)
        }
        found.append(Range(kind.lower(), params, _weight(params.pop("q", "1"))))
    return tuple(sorted(found, key=lambda each: -each.weight))


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


@lru_cache(maxsize=256)
def accepted(header: str, allowed: tuple[Form, ...] = ()) -> Accepted:
    """The best form that can be served: JSON or YAML, of the whole object or an `allowed` other form.

    Raises a 406 Refusal where nothing fits: one for unknown media types, another for unknown forms.
    """
    if not header:
        return Accepted()
    known = False
    for each in ranges(header):
        media_type = _served(each.type)
        if media_type is None:
            continue
        known = True
        wanted = each.params.get("as")
        if wanted is None:
            return Accepted(media_type)
        if each.params.get("g") == "meta.k8s.io" and each.params.get("v") in ("v1", "v1beta1"):
            for form in allowed:
                if form == wanted:
                    return Accepted(media_type, form)
    if known or "application/vnd.kubernetes.protobuf" in header:
        raise not_acceptable()
    raise no_representation()


def _served(media_range: str) -> str | None:
    if media_range in ("*/*", "application/*", _JSON):
        return _JSON
    return _YAML if media_range in (_YAML, "application/x-yaml", "text/yaml") else None


def errors_in(header: str) -> Accepted:
    """How to write an error: in YAML where that is preferred, else JSON, whatever form was asked for."""
    for each in ranges(header) if header else ():
        media_type = _served(each.type)
        if media_type is not None:
            return Accepted(media_type)
    return Accepted()
