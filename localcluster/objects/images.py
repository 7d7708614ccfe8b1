"""Image references, as far as defaulting and validation look into them."""

from __future__ import annotations


def tag_of(image: str) -> str:
    """The tag of an image reference; `latest` where there is neither tag nor digest, "" for nonsense."""
    name, _, digest = image.partition("@")
    last = name.rpartition("/")[2]
    _, colon, tag = last.partition(":")
    if colon:
        return tag
    return "" if digest or not name else "latest"
