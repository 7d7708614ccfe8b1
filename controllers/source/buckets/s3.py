"""S3 and whatever speaks its protocol (spec source 12.3)."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp

from controllers.source.buckets.errors import BucketError, BucketMissing, ObjectGone
from controllers.source.buckets.signing import Keys, Target, escaped_path, escaped_query, signed_headers
from controllers.source.buckets.store import Page, etag_of
from controllers.source.buckets.wire import Refusal, Refused, Request, Wire
from controllers.source.buckets.xml_pages import MAX_PAGE_BYTES, s3_page

DEFAULT_REGION = "us-east-1"
_AMAZON = "s3.amazonaws.com"
_GOOGLE = "storage.googleapis.com"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{1,61}[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket is; `endpoint` is `scheme://host[:port]`, an empty region is found out."""

    endpoint: str
    bucket: str
    region: str = ""

    @classmethod
    def of(cls, endpoint: str, bucket: str, region: str, *, insecure: bool) -> "Place":
        """From the spec's `host[:port]`; a scheme in front of it is accepted. Raises BucketError."""
        host = endpoint.partition("://")[2] if "://" in endpoint else endpoint
        host = host.rstrip("/")
        try:
            parts = urlsplit(f"//{host}")
            valid = bool(parts.hostname) and parts.netloc == host and "@" not in host and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise BucketError(f"endpoint '{endpoint[:200]}' is no host[:port]")
        # The name may become part of the host, where other characters would end it.
        if _BUCKET.fullmatch(bucket) is None:
            raise BucketError(f"'{bucket[:200]}' is not the name of a bucket")
        return cls(f"{'http' if insecure else 'https'}://{host}", bucket, region)

    @property
    def host(self) -> str:
        """In the host, not in the path, goes the bucket at Amazon and Google, unless it has dots."""
        host = urlsplit(self.endpoint).netloc
        if host == _AMAZON and self.region not in ("", DEFAULT_REGION):
            host = f"s3.{self.region}.amazonaws.com"
        return f"{self.bucket}.{host}" if self._virtual else host

    @property
    def is_google(self) -> bool:
        return urlsplit(self.endpoint).hostname == _GOOGLE

    @property
    def _virtual(self) -> bool:
        hostname = urlsplit(self.endpoint).hostname or ""
        amazon = hostname.endswith((".amazonaws.com", ".amazonaws.com.cn"))
        return (amazon or self.is_google) and not {".", ":"} & set(self.bucket)

    def path(self, key: str) -> str:
        return f"/{key}" if self._virtual else f"/{self.bucket}/{key}"


class S3:
    """An ObjectStore; without `keys` requests are anonymous."""

    def __init__(self, wire: Wire, place: Place, keys: Keys | None) -> None:
        self._wire, self._place, self._keys = wire, place, keys

    async def page(self, prefix: str, token: str) -> Page:
        """Raises BucketError; BucketMissing."""
        query = {"encoding-type": "url", "max-keys": "1000", "prefix": prefix}
        if self._place.is_google:
            query |= {"marker": token} if token else {}
        else:
            query |= {"list-type": "2"} | ({"continuation-token": token} if token else {})
        try:
            body = await self._listing(query)
        except ObjectGone as error:
            raise BucketMissing(str(error)) from error
        return await asyncio.to_thread(s3_page, body)

    async def _listing(self, query: Mapping[str, str]) -> bytes:
        try:
            return await self._wire.read(self._request("", query), MAX_PAGE_BYTES, "a page of the listing")
        except Refused as refused:
            if not self._moves_to(refused.refusal):
                raise refused.refusal.error() from refused
        try:
            return await self._wire.read(self._request("", query), MAX_PAGE_BYTES, "a page of the listing")
        except Refused as refused:
            raise refused.refusal.error() from refused

    @contextlib.asynccontextmanager
    async def opened(self, key: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """Raises BucketError; ObjectGone."""
        try:
            async with self._wire.opened(self._request(key, {})) as response:
                yield response
        except Refused as refused:
            raise refused.refusal.error() from refused

    def etag(self, key: str, response: aiohttp.ClientResponse) -> str:
        del key
        return etag_of(response)

    def _moves_to(self, refusal: Refusal) -> bool:
        """A store that names the bucket's region is asked again there, once, when none was given."""
        if self._place.region or not refusal.region:
            return False
        self._place = replace(self._place, region=refusal.region)
        return True

    def _request(self, key: str, query: Mapping[str, str]) -> Request:
        place = self._place
        path = place.path(key)
        target = Target("GET", place.host, path, query)
        url = f"{urlsplit(place.endpoint).scheme}://{place.host}{escaped_path(path)}"
        if query:
            url += f"?{escaped_query(query)}"
        headers: Mapping[str, str] = {}
        if self._keys is not None:
            headers = signed_headers(target, self._keys, place.region or DEFAULT_REGION, datetime.now(UTC))
        return Request("GET", url, headers)
