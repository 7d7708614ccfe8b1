"""Google Cloud Storage by its JSON API (spec source 12.3)."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson

from controllers.source.buckets.errors import BadAnswer, BucketMissing, ObjectGone
from controllers.source.buckets.store import Listed, Page, bare_etag
from controllers.source.buckets.wire import Refused, Request, Wire
from controllers.source.buckets.xml_pages import MAX_PAGE_BYTES

ENDPOINT = "https://storage.googleapis.com"
_FIELDS = "items(name,etag,size),nextPageToken"


class GoogleStorage:
    """An ObjectStore; without a `token` requests are anonymous."""

    def __init__(self, wire: Wire, bucket: str, token: str, endpoint: str = ENDPOINT) -> None:
        self._wire = wire
        self._base = f"{endpoint}/storage/v1/b/{quote(bucket, safe='')}/o"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def page(self, prefix: str, token: str) -> Page:
        """Raises BucketError; BucketMissing."""
        query = {"prefix": prefix, "maxResults": "1000", "fields": _FIELDS}
        if token:
            query["pageToken"] = token
        request = Request("GET", f"{self._base}?{urlencode(query)}", self._headers)
        try:
            return json_page(await self._wire.read(request, MAX_PAGE_BYTES, "a page of the listing"))
        except Refused as refused:
            error = refused.refusal.error()
            raise BucketMissing(str(error)) if isinstance(error, ObjectGone) else error from refused

    @contextlib.asynccontextmanager
    async def opened(self, key: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """Raises BucketError; ObjectGone."""
        request = Request("GET", f"{self._base}/{quote(key, safe='')}?alt=media", self._headers)
        try:
            async with self._wire.opened(request) as response:
                yield response
        except Refused as refused:
            raise refused.refusal.error() from refused


def json_page(body: bytes) -> Page:
    """Objects: list. Raises BadAnswer."""
    try:
        answer: dict[str, Any] = orjson.loads(body)
        objects = tuple(
            Listed(str(item["name"]), bare_etag(str(item["etag"])), int(item["size"]))
            for item in answer.get("items") or ()
        )
        return Page(objects, str(answer.get("nextPageToken") or ""))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadAnswer("the listing is not what Google Cloud Storage answers") from error
