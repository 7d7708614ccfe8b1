"""Azure Blob Storage: one container, opened by a token, a shared key, a signature, or nobody's (12.4)."""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

import aiohttp

from controllers.source.buckets.errors import BucketError, BucketMissing, ObjectGone
from controllers.source.buckets.signing import escaped_path, escaped_query
from controllers.source.buckets.store import Page, etag_of
from controllers.source.buckets.wire import Refused, Request, Wire
from controllers.source.buckets.xml_pages import MAX_PAGE_BYTES, azure_page

_VERSION = "2021-12-02"
_HEADERS_BEFORE_OURS = 11


@dataclass(frozen=True, slots=True)
class SharedKey:
    """An account's name, and its key as base64."""

    account: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AzurePass:
    """At most one of these; none is anonymous. `sas` is a query string without its `?`."""

    shared_key: SharedKey | None = None
    sas: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def account_of(endpoint: str) -> str:
    """The first label of the endpoint's host. Raises BucketError when it has no subdomain."""
    labels = (_split(endpoint).hostname or "").split(".")
    if len(labels) < 3:
        raise BucketError("an account key needs an endpoint whose host begins with the account's name")
    return labels[0]


def _split(endpoint: str) -> SplitResult:
    try:
        return urlsplit(endpoint)
    except ValueError as error:
        raise BucketError("the endpoint of an Azure bucket cannot be read as a URL") from error


class AzureContainer:
    """An ObjectStore."""

    def __init__(self, wire: Wire, endpoint: str, container: str, opener: AzurePass) -> None:
        parts = _split(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise BucketError("the endpoint of an Azure bucket must be a URL of http or https")
        self._wire, self._opener = wire, opener
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = f"{parts.path.rstrip('/')}/{quote(container, safe='$')}"
        # What the endpoint's own query says is used, unless the signature says otherwise.
        self._query = dict(parse_qsl(parts.query)) | dict(parse_qsl(opener.sas.removeprefix("?")))

    async def page(self, prefix: str, token: str) -> Page:
        """Raises BucketError; BucketMissing."""
        query = {"restype": "container", "comp": "list", "maxresults": "5000"}
        query |= {name: value for name, value in (("prefix", prefix), ("marker", token)) if value}
        request = self._request(self._path, query)
        try:
            body = await self._wire.read(request, MAX_PAGE_BYTES, "a page of the listing")
        except Refused as refused:
            error = refused.refusal.error()
            raise BucketMissing(str(error)) if isinstance(error, ObjectGone) else error from refused
        return await asyncio.to_thread(azure_page, body)

    @contextlib.asynccontextmanager
    async def opened(self, key: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """Raises BucketError; ObjectGone."""
        try:
            async with self._wire.opened(self._request(f"{self._path}/{escaped_path(key)}", {})) as response:
                yield response
        except Refused as refused:
            raise refused.refusal.error() from refused

    def etag(self, key: str, response: aiohttp.ClientResponse) -> str:
        del key
        return etag_of(response)

    def _request(self, path: str, query: Mapping[str, str]) -> Request:
        everything = {**query, **self._query}
        url = f"{self._origin}{path}" + (f"?{escaped_query(everything)}" if everything else "")
        headers = {"x-ms-date": format_datetime(datetime.now(UTC), usegmt=True), "x-ms-version": _VERSION}
        if self._opener.shared_key is not None:
            to_sign = string_to_sign(self._opener.shared_key.account, path, everything, headers)
            headers["Authorization"] = signature(self._opener.shared_key, to_sign)
        elif self._opener.token:
            headers["Authorization"] = f"Bearer {self._opener.token}"
        return Request("GET", url, headers)


def string_to_sign(account: str, escaped: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """What a shared key signs of a GET without conditions; `escaped` is the path as sent."""
    ours = [f"{name}:{headers[name]}" for name in sorted(headers)]
    parameters = [f"{name.lower()}:{query[name]}" for name in sorted(query, key=str.lower)]
    return "\n".join(["GET", *[""] * _HEADERS_BEFORE_OURS, *ours, f"/{account}{escaped}", *parameters])


def signature(key: SharedKey, to_sign: str) -> str:
    """The value of the Authorization header. Raises BucketError for a key that is not base64."""
    try:
        raw = base64.b64decode(key.key, validate=True)
    except (ValueError, binascii.Error) as error:
        raise BucketError("accountKey is not base64") from error
    signed = base64.b64encode(hmac.new(raw, to_sign.encode(), hashlib.sha256).digest()).decode()
    return f"SharedKey {key.account}:{signed}"
