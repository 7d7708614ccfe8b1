"""Google Cloud Storage by its JSON API (spec source 12.3)."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson

from controllers.source.buckets.errors import BadAnswer, BucketMissing, ObjectGone
from controllers.source.buckets.store import Listed, Page, bare_etag, etag_of
from controllers.source.buckets.wire import Refused, Request, Wire
from controllers.source.buckets.xml_pages import MAX_PAGE_BYTES

ENDPOINT = "https://storage.googleapis.com"
_FIELDS = "items(name,etag,size,generation),nextPageToken"
_GENERATION = "x-goog-generation"


class GoogleStorage:
    """An ObjectStore; without a `token` requests are anonymous."""

    def __init__(self, wire: Wire, bucket: str, token: str, endpoint: str = ENDPOINT) -> None:
        self._wire = wire
        self._base = f"{endpoint}/storage/v1/b/{quote(bucket, safe='')}/o"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Etags by key and generation as listed: answers to a download may spell them in another way.
        self._etags: dict[tuple[str, str], str] = {}

    async def page(self, prefix: str, token: str) -> Page:
        """Raises BucketError; BucketMissing."""
        query = {"prefix": prefix, "maxResults": "1000", "fields": _FIELDS}
        if token:
            query["pageToken"] = token
        request = Request("GET", f"{self._base}?{urlencode(query)}", self._headers)
        try:
            body = await self._wire.read(request, MAX_PAGE_BYTES, "a page of the listing")
        except Refused as refused:
            error = refused.refusal.error()
            raise BucketMissing(str(error)) if isinstance(error, ObjectGone) else error from refused
        page, generations = json_page(body)
        self._etags |= {(o.key, g): o.etag for o, g in zip(page.objects, generations, strict=True)}
        return page

    @contextlib.asynccontextmanager
    async def opened(self, key: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """Raises BucketError; ObjectGone."""
        request = Request("GET", f"{self._base}/{quote(key, safe='')}?alt=media", self._headers)
        try:
            async with self._wire.opened(request) as response:
                yield response
        except Refused as refused:
            raise refused.refusal.error() from refused

    def etag(self, key: str, response: aiohttp.ClientResponse) -> str:
        known = self._etags.get((key, response.headers.get(_GENERATION, "")))
        return etag_of(response) if known is None else known


def json_page(body: bytes) -> tuple[Page, tuple[str, ...]]:
    """Objects: list, and the generation of each. Raises BadAnswer."""
    try:
        answer: dict[str, Any] = orjson.loads(body)
        objects = tuple(
            Listed(str(item["name"]), bare_etag(str(item["etag"])), int(item["size"]))
            for item in answer.get("items") or ()
        )
        generations = tuple(str(item.get("generation", "")) for item in answer.get("items") or ())
        return Page(objects, str(answer.get("nextPageToken") or "")), generations
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadAnswer("the listing is not what Google Cloud Storage answers") from error
