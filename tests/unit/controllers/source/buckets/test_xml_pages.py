"""Listings of S3 and Azure, as they are and as they should not be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.source.buckets.errors import BadAnswer
from controllers.source.buckets.gcs import json_page
from controllers.source.buckets.store import Listed, Page, bare_etag
from controllers.source.buckets.xml_pages import azure_page, s3_page

S3 = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}
<Contents><Key>{}</Key><ETag>&quot;5d41&quot;</ETag><Size>5</Size></Contents></ListBucketResult>"""


@pytest.mark.parametrize(
    ("more", "key", "page"),
    [
        pytest.param("", "a/b", Page((Listed("a/b", "5d41", 5),), ""), id="plain"),
        pytest.param(
            "<EncodingType>url</EncodingType>",
            "a+b%2Bc%00",
            Page((Listed("a b+c\0", "5d41", 5),), ""),
            id="escaped",
        ),
        pytest.param(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>",
            "k",
            Page((Listed("k", "5d41", 5),), "t"),
            id="more pages",
        ),
        pytest.param(
            "<IsTruncated>true</IsTruncated>", "k", Page((Listed("k", "5d41", 5),), "k"), id="version 1"
        ),
        pytest.param(
            "<IsTruncated>false</IsTruncated><NextMarker>x</NextMarker>",
            "k",
            Page((Listed("k", "5d41", 5),), ""),
            id="the last",
        ),
    ],
)
def test_s3(more: str, key: str, page: Page) -> None:
    assert s3_page(S3.format(more, key).encode()) == page


def test_azure() -> None:
    body = """<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>
      <Blob><Name>a/b.yaml</Name><Properties><Etag>0x8D</Etag><Content-Length>3</Content-Length></Properties></Blob>
      <Blob><Name Encoded="true">a%FF+b</Name><Properties><Etag>"0x8E"</Etag><Content-Length>4</Content-Length>
      </Properties></Blob></Blobs><NextMarker>2!1</NextMarker></EnumerationResults>"""
    page = azure_page(body.encode())
    assert page.objects[0] == Listed("a/b.yaml", "0x8D", 3)
    assert page.objects[1].etag == "0x8E"
    assert page.token == "2!1"


def test_google() -> None:
    body = b'{"items":[{"name":"a b","etag":"CJ=","size":"12","generation":"7"}],"nextPageToken":"n"}'
    assert json_page(body) == (Page((Listed("a b", "CJ=", 12),), "n"), ("7",))
    assert json_page(b"{}") == (Page((), ""), ())


@pytest.mark.parametrize("read", [s3_page, azure_page, json_page])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>log in",
        b"[]",
        b'{"items":[{}]}',
        b'{"items":3}',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a><Contents><Key>k</Key><Size>-1</Size></Contents><Blobs><Blob/></Blobs></a>",
    ],
)
def test_what_is_no_listing(read: object, body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read(body)  # type: ignore[operator]


@given(st.binary(max_size=200))
def test_nonsense_fails_in_one_way(body: bytes) -> None:
    for read in (s3_page, azure_page, json_page):
        try:
            read(body)
        except BadAnswer:
            continue


@pytest.mark.parametrize(("text", "bare"), [('"a"', "a"), ('W/"a"', "a"), ("a", "a"), ("", "")])
def test_etags_have_one_notation(text: str, bare: str) -> None:
    assert bare_etag(text) == bare
