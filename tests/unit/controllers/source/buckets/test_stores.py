"""What each kind of store is asked, and what becomes of its answers; over real HTTP on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from controllers.source.buckets.azure import (
    AzureContainer,
    AzurePass,
    SharedKey,
    account_of,
    signature,
    string_to_sign,
)
from controllers.source.buckets.cloud_secrets import google_token
from controllers.source.buckets.errors import (
    AccessRefused,
    BucketError,
    BucketMissing,
    ObjectGone,
    StoreBusy,
    StoreUnreachable,
)
from controllers.source.buckets.gcs import GoogleStorage
from controllers.source.buckets.s3 import S3, Place
from controllers.source.buckets.signing import Keys
from controllers.source.buckets.store import Listed, etag_of
from controllers.source.buckets.sts import ldap_keys
from controllers.source.buckets.wire import Wire
from shared.cloud.errors import CloudError
from shared.logic.secret import Secret, SecretUnusable
from shared.oci.opening import Opening, Proxy, tls_context
from tests.fakes.proxy import fake_proxy
from tests.fakes.tls import Authority

Answer = Callable[[web.Request], web.Response]
EMPTY = "<ListBucketResult/>"


@dataclass
class Server:
    """Answers whatever is set; `seen` are the requests so far."""

    url: str = ""
    answer: Answer = lambda _request: web.Response(text=EMPTY)
    seen: list[web.Request] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return self.url.removeprefix("http://")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    running = Server()

    async def handle(request: web.Request) -> web.Response:
        running.seen.append(request)
        running.bodies.append(await request.text())
        return running.answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    running.url = f"http://{host}:{port}"
    yield running
    await runner.cleanup()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    opening = Opening()
    wire = Wire(opening, await tls_context(opening))
    yield wire
    await wire.close()


def s3(server: Server, wire: Wire, region: str = "") -> S3:
    return S3(wire, Place.of(server.endpoint, "bkt", region, insecure=True), Keys("a", "s"))


@pytest.mark.parametrize(
    ("endpoint", "bucket", "region", "host", "path"),
    [
        ("minio.example.com:9000", "bkt", "", "minio.example.com:9000", "/bkt/k"),
        ("https://minio.example.com/", "bkt", "", "minio.example.com", "/bkt/k"),
        ("s3.amazonaws.com", "bkt", "eu-west-1", "bkt.s3.eu-west-1.amazonaws.com", "/k"),
        ("s3.amazonaws.com", "bkt", "us-east-1", "bkt.s3.amazonaws.com", "/k"),
        ("s3.amazonaws.com", "b.c", "eu-west-1", "s3.eu-west-1.amazonaws.com", "/b.c/k"),
        ("s3.cn-north-1.amazonaws.com.cn", "bkt", "", "bkt.s3.cn-north-1.amazonaws.com.cn", "/k"),
        ("storage.googleapis.com", "bkt", "", "bkt.storage.googleapis.com", "/k"),
        ("[::1]:9000", "bkt", "", "[::1]:9000", "/bkt/k"),
    ],
)
def test_where_a_bucket_is(endpoint: str, bucket: str, region: str, host: str, path: str) -> None:
    place = Place.of(endpoint, bucket, region, insecure=False)
    assert (place.host, place.path("k")) == (host, path)


@pytest.mark.parametrize("endpoint", ["", "a b/c", "host/path", "u:p@host", "host:99999", "[::1", "http://"])
def test_endpoints_that_are_none(endpoint: str) -> None:
    with pytest.raises(BucketError):
        Place.of(endpoint, "bucket", "", insecure=False)


@pytest.mark.parametrize(
    "bucket", ["", "ab", "a/b", "evil.example.com#", "evil.example.com?", "a@b", "..", "a\n", "é" * 3]
)
def test_names_that_could_end_the_host(bucket: str) -> None:
    with pytest.raises(BucketError, match="is not the name of a bucket"):
        Place.of("s3.amazonaws.com", bucket, "", insecure=False)


async def test_a_store_that_is_busy_for_a_moment_is_asked_again(server: Server, wire: Wire) -> None:
    answers = iter([web.Response(status=503), web.Response(status=429), web.Response(text=EMPTY)])
    server.answer = lambda _request: next(answers)
    assert (await s3(server, wire).page("", "")).objects == ()
    assert len(server.seen) == 3


async def test_a_store_that_wants_a_long_pause_gets_it(server: Server, wire: Wire) -> None:
    server.answer = lambda _request: web.Response(status=429, headers={"Retry-After": "120"})
    with pytest.raises(StoreBusy) as caught:
        await s3(server, wire).page("", "")
    assert caught.value.retry_after == 120
    assert len(server.seen) == 1


async def test_the_region_of_a_bucket_is_found_out(server: Server, wire: Wire) -> None:
    def answer(request: web.Request) -> web.Response:
        if "/eu-west-1/" in request.headers["Authorization"]:
            return web.Response(text=EMPTY)
        return web.Response(status=301, headers={"x-amz-bucket-region": "eu-west-1"})

    server.answer = answer
    assert (await s3(server, wire).page("", "")).objects == ()
    assert len(server.seen) == 2
    with pytest.raises(BucketError, match="answered 301"):
        await s3(server, wire, "us-west-2").page("", "")


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "NoSuchBucket", BucketMissing),
        (404, "", BucketMissing),
        (403, "AccessDenied", AccessRefused),
        (401, "", AccessRefused),
        (400, "Weird", BucketError),
    ],
)
async def test_refusals_of_a_listing(
    server: Server, wire: Wire, status: int, code: str, error: type[Exception]
) -> None:
    text = f"<Error><Code>{code}</Code><Message>because\nof that</Message></Error>" if code else ""
    server.answer = lambda _request: web.Response(status=status, text=text)
    with pytest.raises(error) as caught:
        await s3(server, wire).page("", "")
    shown = str(caught.value)
    assert shown == f"{server.endpoint} answered {status}" + (f": {code}: because of that" if code else "")


async def test_an_object_that_is_not_there(server: Server, wire: Wire) -> None:
    server.answer = lambda _request: web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
    with pytest.raises(ObjectGone):
        async with s3(server, wire).opened("k"):
            pass


async def test_nobody_there(wire: Wire) -> None:
    with pytest.raises(StoreUnreachable, match=r"127\.0\.0\.1:9: "):
        await S3(wire, Place.of("127.0.0.1:9", "bkt", "", insecure=True), None).page("", "")


async def test_without_keys_nothing_is_signed(server: Server, wire: Wire) -> None:
    await S3(wire, Place.of(server.endpoint, "bkt", "", insecure=True), None).page("", "")
    assert "Authorization" not in server.seen[0].headers


async def test_through_a_proxy_with_its_password(server: Server) -> None:
    async with fake_proxy() as proxy:
        proxy.username, proxy.password = "u", "p:w"
        opening = Opening(proxy=Proxy(f"http://127.0.0.1:{proxy.port}", "u", "p:w"))
        wire = Wire(opening, await tls_context(opening))
        try:
            await s3(server, wire).page("", "")
        finally:
            await wire.close()
        assert proxy.targets == [server.endpoint]


async def test_keys_for_an_ldap_account(server: Server, wire: Wire) -> None:
    inner = "<AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>"
    server.answer = lambda _request: web.Response(text=f"<R><Credentials>{inner}</Credentials></R>")
    assert await ldap_keys(wire, server.url, "me", "p&w") == Keys("A", "S", "T")
    assert "LDAPUsername=me&LDAPPassword=p%26w" in server.bodies[0]

    server.answer = lambda _request: web.Response(text="<R/>")
    with pytest.raises(AccessRefused, match="gave no keys"):
        await ldap_keys(wire, server.url, "me", "pw")
    server.answer = lambda _request: web.Response(status=403)
    with pytest.raises(AccessRefused, match="answered 403"):
        await ldap_keys(wire, server.url, "me", "pw")


async def test_google(server: Server, wire: Wire) -> None:
    store = GoogleStorage(wire, "my bucket", "token", server.url)
    body = {"items": [{"name": "a/b c", "etag": "e", "size": "1", "generation": "7"}], "nextPageToken": "n"}
    server.answer = lambda _request: web.json_response(body)
    page = await store.page("a/", "t")
    assert (page.objects, page.token) == ((Listed("a/b c", "e", 1),), "n")
    assert server.seen[0].path_qs.startswith("/storage/v1/b/my%20bucket/o?prefix=a%2F&")
    assert server.seen[0].query["pageToken"] == "t"
    assert server.seen[0].headers["Authorization"] == "Bearer token"

    server.answer = lambda _request: web.Response(text="content", headers={"ETag": '"e"'})
    async with store.opened("a/b c?") as response:
        assert (etag_of(response), await response.text()) == ("e", "content")
        assert store.etag("a/b c", response) == "e"
    assert server.seen[1].rel_url.raw_path_qs == "/storage/v1/b/my%20bucket/o/a%2Fb%20c%3F?alt=media"

    # The same generation has the etag of the listing, however the answer spells it; another one has its own.
    for generation, etag in (("7", "e"), ("8", "other")):
        headers = {"ETag": '"other"', "x-goog-generation": generation}
        server.answer = lambda _request, headers=headers: web.Response(text="content", headers=headers)
        async with store.opened("a/b c") as response:
            assert store.etag("a/b c", response) == etag

    error = {"error": {"message": "The specified bucket does not exist.", "reason": "notFound"}}
    server.answer = lambda _request: web.json_response(error, status=404)
    with pytest.raises(BucketMissing, match="does not exist"):
        await store.page("", "")


async def test_a_token_for_googles_service_account(server: Server) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    info = {
        "type": "service_account",
        "client_email": "me@p.iam.gserviceaccount.com",
        "private_key": pem,
        "private_key_id": "1",
        "token_uri": f"{server.url}/token",
    }
    server.answer = lambda _request: web.json_response({"access_token": "t", "expires_in": 3600})
    assert await google_token(Secret("s", {"serviceaccount": json.dumps(info).encode()}), "") == "t"
    assert "assertion=" in server.bodies[0]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"type": "external_account", "executable": "x"}', b'{"type": "service_account"}'],
)
async def test_what_is_no_key_of_a_service_account(content: bytes) -> None:
    with pytest.raises((SecretUnusable, CloudError)):
        await google_token(Secret("s", {"serviceaccount": content}), "")


LIST = (
    "<EnumerationResults><Blobs><Blob><Name>a</Name><Properties><Etag>0x1</Etag>"
    "<Content-Length>1</Content-Length></Properties></Blob></Blobs></EnumerationResults>"
)


async def test_azure_with_a_signature_in_the_query(server: Server, wire: Wire) -> None:
    server.answer = lambda _request: web.Response(text=LIST)
    store = AzureContainer(wire, f"{server.url}/?sp=r&sv=1", "c", AzurePass(sas="sv=2&sig=a%2Bb"))
    assert (await store.page("p/", "")).objects == (Listed("a", "0x1", 1),)
    assert dict(server.seen[0].query) == {
        "restype": "container", "comp": "list", "maxresults": "5000", "prefix": "p/",
        "sp": "r", "sv": "2", "sig": "a+b",
    }  # fmt: skip
    assert "Authorization" not in server.seen[0].headers

    server.answer = lambda _request: web.Response(text="x", headers={"ETag": '"0x1"'})
    async with store.opened("d é/k") as response:
        assert etag_of(response) == "0x1"
    assert server.seen[1].rel_url.raw_path == "/c/d%20%C3%A9/k"


async def test_azure_with_a_token_and_with_a_key(server: Server, wire: Wire) -> None:
    server.answer = lambda _request: web.Response(text=LIST)
    await AzureContainer(wire, server.url, "c", AzurePass(token="t")).page("", "")
    assert server.seen[0].headers["Authorization"] == "Bearer t"
    await AzureContainer(wire, server.url, "c", AzurePass(shared_key=SharedKey("acc", "a2V5"))).page("", "")
    assert server.seen[1].headers["Authorization"].startswith("SharedKey acc:")

    server.answer = lambda _request: web.Response(
        status=404, text="<Error><Code>ContainerNotFound</Code></Error>"
    )
    with pytest.raises(BucketMissing):
        await AzureContainer(wire, server.url, "c", AzurePass()).page("", "")


def test_what_a_shared_key_signs() -> None:
    """The example of the documentation of Azure's storage services."""
    headers = {"x-ms-version": "2015-02-21", "x-ms-date": "Fri, 26 Jun 2015 23:39:12 GMT"}
    query = {"restype": "container", "comp": "metadata", "timeout": "20"}
    assert string_to_sign("myaccount", "/mycontainer", query, headers) == (
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
        "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20"
    )
    with pytest.raises(BucketError, match="not base64"):
        signature(SharedKey("a", "!"), "x")


def test_the_account_of_an_endpoint() -> None:
    assert account_of("https://acc.blob.core.windows.net") == "acc"
    with pytest.raises(BucketError):
        account_of("http://localhost:10000")


async def test_a_store_that_wants_a_client_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("client")
    app = web.Application()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=EMPTY)

    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server_context(clients=True)).start()
    place = Place.of(f"127.0.0.1:{runner.addresses[0][1]}", "bkt", "", insecure=False)
    try:
        for opening, welcome in (
            (Opening(ca=authority.pem, certificate=certificate, private_key=key), True),
            (Opening(ca=authority.pem), False),
        ):
            wire = Wire(opening, await tls_context(opening))
            try:
                if welcome:
                    assert (await S3(wire, place, None).page("", "")).objects == ()
                else:
                    with pytest.raises(StoreUnreachable):
                        await S3(wire, place, None).page("", "")
            finally:
                await wire.close()
    finally:
        await runner.cleanup()
