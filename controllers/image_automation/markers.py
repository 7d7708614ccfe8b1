"""What a comment says of the value beside it: `{"$imagepolicy": "ns:policy:tag"}` (spec image 14.2)."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.model.image import ImageRef

NEEDLE = b'"$imagepolicy"'
"""Files without these bytes are never parsed, so that templates of other tools are safe."""

_SHORT, _LEGACY = "$imagepolicy", "$ref"
_LEGACY_PREFIX = "#/definitions/io.k8s.cli.setters."
_MAX_COMMENT = 2_048

# What registries allow, and nothing that would mean something to YAML or to a shell.
_NAME = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(?::[0-9]{1,5})?(?:/[A-Za-z0-9._-]+)*|\[[0-9A-Fa-f:]+\](?::[0-9]+)?/\S+"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z0-9_+.-]{1,32}:[0-9A-Fa-f]{32,256}")
_MAX_NAME = 512


class InvalidImage(ValueError):
    """A policy's latest image is nothing that could be written into a manifest."""


@dataclass(frozen=True, slots=True)
class Setters:
    """What each marker stands for; policies that are not among them change nothing."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, namespace: str, images: Iterable[tuple[str, ImageRef]]) -> "Setters":
        """From the policies of one namespace, by name. Raises InvalidImage."""
        values: dict[str, str] = {}
        for name, image in images:
            _require_image(image)
            policy = f"{namespace}:{name}"
            values[policy] = str(image)
            values[f"{policy}:tag"] = image.tag
            values[f"{policy}:name"] = image.name
            values[f"{policy}:digest"] = image.digest
        return cls(values)

    def find(self, comment: str) -> tuple[str, str] | None:
        """The marker in a comment and what it stands for; None for any other comment."""
        marker = parse_marker(comment)
        return None if marker is None or marker not in self.values else (marker, self.values[marker])


def parse_marker(comment: str) -> str | None:
    """`ns:policy[:tag|:name|:digest]`, when the comment is a JSON object of strings and nothing else."""
    body = comment.lstrip("#").strip()
    if not body.startswith("{") or len(body) > _MAX_COMMENT:
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        return None
    if _SHORT in found:
        return str(found[_SHORT])
    legacy = str(found.get(_LEGACY, ""))
    return legacy.removeprefix(_LEGACY_PREFIX) if legacy.startswith(_LEGACY_PREFIX) else None


def _require_image(image: ImageRef) -> None:
    fits = (
        len(image.name) <= _MAX_NAME
        and _NAME.fullmatch(image.name)
        and _TAG.fullmatch(image.tag)
        and (not image.digest or _DIGEST.fullmatch(image.digest))
    )
    if not fits:
        raise InvalidImage(f"encountered invalid image ref {str(image)[:200]!r}")
