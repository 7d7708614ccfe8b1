"""What a Bucket needs of an object store, whoever runs it; and how much it may take."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from controllers.source.buckets.errors import BadAnswer, TooMuch


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a listing: `etag` without quotes, `size` in bytes."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Page:
    """`token` leads to the next page; empty on the last."""

    objects: tuple[Listed, ...]
    token: str


@dataclass(frozen=True, slots=True)
class Limits:
    """`objects` and `pages` bound a listing, `content` the bytes of all objects together.

    More than consumers unpack would be of no use to anybody.
    """

    objects: int = 100_000
    pages: int = 2_000
    content: int = 1024**3


class ObjectStore(Protocol):
    """One bucket, ready to be read."""

    async def page(self, prefix: str, token: str) -> Page:
        """Raises BucketError; BucketMissing when there is no such bucket."""

    def opened(self, key: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """The answer with the object's bytes and its ETag. Raises BucketError; ObjectGone."""

    def etag(self, key: str, response: aiohttp.ClientResponse) -> str:
        """Of an opened object, in the notation of the listing."""


async def listed(store: ObjectStore, prefix: str, limits: Limits) -> AsyncIterator[Listed]:
    """All objects whose keys begin with the prefix. Raises BucketError; TooMuch beyond the limits."""
    token, objects = "", 0
    for _ in range(limits.pages):
        page = await store.page(prefix, token)
        objects += len(page.objects)
        if objects > limits.objects:
            raise TooMuch(f"the bucket has more than {limits.objects} objects")
        for each in page.objects:
            # Whatever a store sends, only what was asked for is looked at.
            if each.key.startswith(prefix):
                yield each
        if not page.token:
            return
        if page.token == token:
            raise BadAnswer("the store answers the same page of its listing again and again")
        token = page.token
    raise TooMuch(f"the listing of the bucket has more than {limits.pages} pages")


def etag_of(response: aiohttp.ClientResponse) -> str:
    return bare_etag(response.headers.get("ETag", ""))


def bare_etag(text: str) -> str:
    """One notation for listings and answers: without quotes, and without the mark of a weak one."""
    return text.strip().removeprefix("W/").strip('"')
