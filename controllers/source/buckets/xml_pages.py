"""Listings in XML, of S3 and of Azure: read within bounds, into pages."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from urllib.parse import unquote_plus

from controllers.source.buckets.errors import BadAnswer
from controllers.source.buckets.store import Listed, Page, bare_etag

MAX_PAGE_BYTES = 16 * 1024**2


def s3_page(body: bytes) -> Page:
    """ListObjectsV2, and ListObjects, whose next page begins behind the last key. Raises BadAnswer."""
    root = _parsed(body)
    # With it, keys may hold what XML cannot.
    escaped = _text(root, "EncodingType") == "url"
    objects = tuple(
        Listed(
            unquote_plus(_text(item, "Key")) if escaped else _text(item, "Key"),
            bare_etag(_text(item, "ETag")),
            _number(_text(item, "Size")),
        )
        for item in _all(root, "Contents")
    )
    if _text(root, "IsTruncated") != "true":
        return Page(objects, "")
    token = _text(root, "NextContinuationToken") or _text(root, "NextMarker")
    return Page(objects, token or (objects[-1].key if objects else ""))


def azure_page(body: bytes) -> Page:
    """List Blobs. Raises BadAnswer."""
    root = _parsed(body)
    found: list[Listed] = []
    for blobs in _all(root, "Blobs"):
        for blob in _all(blobs, "Blob"):
            properties = next(_all(blob, "Properties"), blob)
            size = _number(_text(properties, "Content-Length"))
            name = next(_all(blob, "Name"), None)
            encoded = name is not None and name.get("Encoded") == "true"
            key = _text(blob, "Name")
            found.append(
                Listed(unquote_plus(key) if encoded else key, bare_etag(_text(properties, "Etag")), size)
            )
    return Page(tuple(found), _text(root, "NextMarker"))


def _parsed(body: bytes) -> ET.Element:
    # Listings define no entities; without a document type there are none that could grow.
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise BadAnswer("the listing has a document type, which none needs")
    try:
        return ET.fromstring(body)  # noqa: S314 - see above, and the size is bounded
    except (ET.ParseError, ValueError) as error:
        raise BadAnswer("the listing is not XML: is the endpoint an object store?") from error


def _all(parent: ET.Element, name: str) -> Iterator[ET.Element]:
    """Children of that name, whatever their namespace."""
    return (child for child in parent if child.tag.rpartition("}")[2] == name)


def _text(parent: ET.Element, name: str) -> str:
    child = next(_all(parent, name), None)
    return (child.text or "") if child is not None else ""


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    raise BadAnswer("the listing has an object without a size")
