from __future__ import annotations

import asyncio
import email.utils
import time
from pathlib import Path

import pytest

from shared.oci.authorization import Authorizations
from shared.oci.docker_config import Login
from shared.oci.errors import (
    ContentMismatch,
    ContentNotFound,
    ContentTooLarge,
    InvalidContent,
    InvalidCredentials,
    OciError,
    RegistryDenied,
    RegistryUnreachable,
    TooManyRequests,
)
from shared.oci.gate import Gates
from shared.oci.manifest import Descriptor
from shared.oci.opening import Opening, Proxy
from shared.oci.push import push_artifact, push_blob, push_index
from shared.oci.reference import Repository
from shared.oci.registry import opened
from tests.fakes.proxy import fake_proxy
from tests.fakes.registry import FakeRegistry, digest_of, fake_registry
from tests.fakes.tls import Authority

LIMIT = 1024**2
DATA = b"0123456789" * 1000


async def test_what_was_pushed_can_be_pulled(server: FakeRegistry, tmp_path: Path) -> None:
    async with server.client() as registry:
        pushed = await push_artifact(registry, "v1", [(DATA, "a/b")], annotations={"k": "v"})
        assert await registry.digest("v1") == pushed.digest
        manifest = await registry.image(pushed.digest)
        assert manifest.annotations == {"k": "v"}
        (layer,) = manifest.layers
        assert await registry.blob(layer, max_bytes=LIMIT) == DATA
        await registry.fetch_blob(layer, tmp_path / "layer", max_bytes=LIMIT)
    assert (tmp_path / "layer").read_bytes() == DATA


async def test_a_routine_look_is_one_request(server: FakeRegistry) -> None:
    server.add_tags("v1")
    async with server.client() as registry:
        await registry.digest("v1")
        before = len(server.calls)
        await registry.digest("v1")
    assert [call.method for call in server.calls[before:]] == ["HEAD"]


async def test_a_registry_without_head(server: FakeRegistry) -> None:
    server.refuses_head = True
    digest = server.add_tags("v1")
    async with server.client() as registry:
        assert await registry.digest("v1") == digest


async def test_an_index_leads_to_the_default_platform(server: FakeRegistry) -> None:
    async with server.client() as registry:
        arm = await push_artifact(registry, "arm", [(b"arm", "a/b")])
        amd = await push_artifact(registry, "amd", [(b"amd", "a/b")])
        entries = [
            Descriptor(arm.media_type, arm.digest, arm.size, platform=("linux", "arm64")),
            Descriptor(amd.media_type, amd.digest, amd.size, platform=("linux", "amd64")),
        ]
        index = await push_index(registry, "v1", entries)
        assert await registry.digest("v1") == index.digest
        (layer,) = (await registry.image(index.digest)).layers
        assert await registry.blob(layer, max_bytes=LIMIT) == b"amd"


async def all_tags(server: FakeRegistry) -> list[str]:
    async with server.client() as registry:
        return [tag async for page in registry.tag_pages() for tag in page]


async def test_tags_come_in_pages(server: FakeRegistry) -> None:
    tags = [f"v{number:04}" for number in range(250)]
    server.add_tags(*tags)
    server.page = 50
    assert await all_tags(server) == tags
    assert server.seen("GET", "/tags/list") == 5


async def test_pages_without_end(server: FakeRegistry) -> None:
    server.add_tags("v1")
    server.endless = True
    with pytest.raises(InvalidContent, match="does not come to an end"):
        await all_tags(server)
    assert server.seen("GET", "/tags/list") <= 2


async def test_a_next_page_with_an_endless_address_is_refused(server: FakeRegistry) -> None:
    server.page, server.padding = 1, "x" * 5_000
    server.add_tags("a", "b")
    with pytest.raises(InvalidContent, match="endless address"):
        await all_tags(server)


async def test_referrers_from_the_api_and_from_the_tag(server: FakeRegistry) -> None:
    async with server.client() as registry:
        subject = await push_artifact(registry, "v1", [(DATA, "a/b")])
        signature = await push_artifact(
            registry, "", [(b"sig", "s/s")], subject=subject, artifact_type="application/x"
        )
        (found,) = await registry.referrers(subject.digest)
        assert (found.digest, found.artifact_type) == (signature.digest, "application/x")
        server.has_referrers = False
        assert await registry.referrers(subject.digest) == ()
        await push_index(registry, subject.digest.replace(":", "-"), [found])
        assert await registry.referrers(subject.digest) == (found,)


async def test_not_found(server: FakeRegistry) -> None:
    async with server.client() as registry:
        with pytest.raises(ContentNotFound, match=r"team/app:v1: .* 404 MANIFEST_UNKNOWN: not known here"):
            await registry.digest("v1")


# Wrong bytes.


@pytest.mark.parametrize(
    "mangle",
    [
        pytest.param(lambda raw: b"X" + raw[1:], id="changed"),
        pytest.param(lambda raw: raw + b" ", id="longer"),
        pytest.param(lambda raw: raw[:-1], id="shorter"),
        pytest.param(lambda _: b"", id="empty"),
    ],
)
async def test_other_bytes_than_promised(server: FakeRegistry, tmp_path: Path, mangle: object) -> None:
    async with server.client() as registry:
        pushed = await push_artifact(registry, "v1", [(DATA, "a/b")])
        (layer,) = (await registry.image(pushed.digest)).layers
        server.mangle = mangle  # type: ignore[assignment]
        with pytest.raises(ContentMismatch):
            await registry.fetch_blob(layer, tmp_path / "layer", max_bytes=LIMIT)
        with pytest.raises((ContentMismatch, ContentTooLarge)):
            await registry.blob(layer, max_bytes=LIMIT)
        for reference in (pushed.digest, "v1"):
            with pytest.raises(ContentMismatch):
                await registry.manifest(reference)


async def test_what_is_too_large_is_not_fetched(server: FakeRegistry, tmp_path: Path) -> None:
    async with server.client() as registry:
        layer = await push_blob(registry, DATA, "a/b")
        calls = len(server.calls)
        for fetching in (
            registry.blob(layer, max_bytes=100),
            registry.fetch_blob(layer, tmp_path / "x", max_bytes=100),
        ):
            with pytest.raises(ContentTooLarge, match="10000 bytes, at most 100"):
                await fetching
        assert len(server.calls) == calls
        server.manifests["team/app", "big"] = b" " * (5 * 1024**2), "a/b"
        with pytest.raises(ContentTooLarge):
            await registry.manifest("big")


async def test_a_trickle_ends_with_the_callers_time(server: FakeRegistry, tmp_path: Path) -> None:
    async with server.client() as registry:
        layer = await push_blob(registry, DATA, "a/b")
        server.trickle = 0.05
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await registry.fetch_blob(layer, tmp_path / "x", max_bytes=LIMIT)


# Redirects.


async def test_credentials_stay_at_home(server: FakeRegistry, tmp_path: Path) -> None:
    server.username, server.password = "ada", "pw"
    async with fake_registry() as store, server.client() as registry:
        layer = await push_blob(registry, DATA, "a/b")
        store.blobs = server.blobs
        server.blobs_at = f"http://{store.host}"
        await registry.fetch_blob(layer, tmp_path / "x", max_bytes=LIMIT)
        (call,) = store.calls
        assert (call.authorization, call.query) == ("", {"signature": "a/b="})
        store.username = "other"
        with pytest.raises(RegistryDenied):
            await registry.fetch_blob(layer, tmp_path / "y", max_bytes=LIMIT)
        assert {call.authorization for call in store.calls} == {""}


@pytest.mark.parametrize("target", ["file:///etc", "ftp://x", "http://[", "//"])
async def test_redirects_that_are_refused(server: FakeRegistry, tmp_path: Path, target: str) -> None:
    async with server.client() as registry:
        layer = await push_blob(registry, DATA, "a/b")
        server.blobs_at = target
        with pytest.raises(OciError):
            await registry.fetch_blob(layer, tmp_path / "x", max_bytes=LIMIT)


async def test_a_circle_of_redirects(server: FakeRegistry, tmp_path: Path) -> None:
    async with server.client() as registry:
        layer = await push_blob(registry, DATA, "a/b")
        server.blobs_at = f"http://{server.host}"
        with pytest.raises(InvalidContent, match="more than 5 redirects"):
            await registry.fetch_blob(layer, tmp_path / "x", max_bytes=LIMIT)


async def test_no_redirect_leaves_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with fake_registry(authority.server_context()) as server, fake_registry() as store:
        opening = Opening(ca=authority.pem)
        async with opened(server.repository(), opening, Authorizations(), actions="pull,push") as registry:
            layer = await push_blob(registry, DATA, "a/b")
            server.blobs_at = f"http://{store.host}"
            with pytest.raises(InvalidContent, match="redirect from https"):
                await registry.fetch_blob(layer, tmp_path / "x", max_bytes=LIMIT)
        assert store.calls == []


# Too many requests.


@pytest.mark.parametrize("wait", ["0", None, email.utils.formatdate(0), "soon"])
async def test_a_short_pause_is_waited_for(server: FakeRegistry, wait: str | None) -> None:
    digest = server.add_tags("v1")
    async with server.client() as registry:
        server.busy = [wait]
        assert await registry.digest("v1") == digest


async def test_a_long_pause_is_the_callers(server: FakeRegistry) -> None:
    server.add_tags("v1")
    for wait in ("120", email.utils.formatdate(time.time() + 120)):
        async with server.client() as registry:
            await registry.digest("v1")
            server.busy = [wait]
            with pytest.raises(TooManyRequests) as caught:
                await registry.digest("v1")
            assert caught.value.retry_after is not None
            assert 115 < caught.value.retry_after <= 120
    async with server.client() as registry:
        server.busy = ["0"] * 4
        with pytest.raises(TooManyRequests, match="answered 429"):
            await registry.digest("v1")


async def test_a_refused_certificate_is_no_reason_to_do_without(tmp_path: Path) -> None:
    async with fake_registry(Authority(tmp_path).server_context()) as server:
        server.add_tags("v1")
        async with opened(server.repository(), Opening(plain=True), Authorizations()) as registry:
            with pytest.raises(RegistryUnreachable, match="certificate refused"):
                await registry.digest("v1")
    assert server.calls == []


async def test_a_pause_is_kept_by_all_who_share_gates(server: FakeRegistry) -> None:
    now = 0.0
    gates = Gates(lambda: now)
    server.add_tags("v1")
    server.add_tags("v1", path="team/other")
    async with server.client(gates=gates) as one, server.client("team/other", gates=gates) as other:
        await one.digest("v1")
        server.busy = ["120"]
        with pytest.raises(TooManyRequests):
            await one.digest("v1")
        asked = len(server.calls)
        now = 50.0
        with pytest.raises(TooManyRequests, match="pause of which 70s are left") as caught:
            await other.digest("v1")
        assert (caught.value.retry_after, len(server.calls)) == (70.0, asked)
        now = 120.0
        assert await other.digest("v1")


async def test_a_busy_registry_that_gives_no_hint_is_left_alone(server: FakeRegistry) -> None:
    gates = Gates()
    server.add_tags("v1")
    server.busy = ["0", "0", "0", None]
    async with server.client(gates=gates) as registry:
        with pytest.raises(TooManyRequests, match="answered 429"):
            await registry.digest("v1")
    assert 25 < gates.remaining(server.host) <= 30


async def test_pages_that_did_not_change_are_not_sent_again(server: FakeRegistry) -> None:
    server.etags, server.page = True, 2
    server.add_tags("a", "b", "c")
    async with server.client() as registry:
        first = await registry.tag_page()
        assert first is not None
        second = await registry.tag_page(first.next)
        assert second is not None
        assert (first.tags, second.tags, second.next) == (["a", "b"], ["c"], "")
        assert await registry.tag_page(unless=first.etag) is None
        assert await registry.tag_page(second.url, unless=second.etag) is None
        server.add_tags("d")
        assert await registry.tag_page(unless=first.etag) is None
        changed = await registry.tag_page(second.url, unless=second.etag)
        assert changed is not None
        assert changed.tags == ["c", "d"]


# TLS and proxies.


async def test_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("client")
    async with fake_registry(authority.server_context(clients=True)) as server:
        digest = server.add_tags("v1")
        for opening, error in (
            (Opening(ca=authority.pem, certificate=certificate, private_key=key), None),
            (Opening(certificate=certificate, private_key=key), "certificate refused"),
            (Opening(ca=authority.pem), "127"),
        ):
            async with opened(server.repository(), opening, Authorizations()) as registry:
                if error is None:
                    assert await registry.digest("v1") == digest
                else:
                    with pytest.raises(RegistryUnreachable, match=error):
                        await registry.digest("v1")


async def test_insecure_means_what_the_contract_says(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with fake_registry(authority.server_context()) as server:
        digest = server.add_tags("v1")
        async with opened(server.repository(), Opening(insecure=True), Authorizations()) as registry:
            assert await registry.digest("v1") == digest
        other = Authority(tmp_path)
        opening = Opening(insecure=True, ca=other.pem)
        async with opened(server.repository(), opening, Authorizations()) as registry:
            with pytest.raises(RegistryUnreachable):
                await registry.digest("v1")


async def test_plain_http_only_where_allowed(server: FakeRegistry) -> None:
    server.add_tags("v1")
    async with opened(server.repository(), Opening(Login("ada", "pw")), Authorizations()) as registry:
        with pytest.raises(RegistryUnreachable):
            await registry.digest("v1")
    assert server.calls == []


@pytest.mark.parametrize(
    ("certificate", "key"), [("x", "y"), ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "")]
)
async def test_useless_certificates(certificate: str, key: str) -> None:
    with pytest.raises(InvalidCredentials):
        async with opened(
            Repository("x.io", "a"), Opening(certificate=certificate, private_key=key), Authorizations()
        ):
            raise AssertionError


async def test_through_a_proxy(server: FakeRegistry) -> None:
    digest = server.add_tags("v1")
    async with fake_proxy() as proxy:
        proxy.username, proxy.password = "eve", "pw"
        url = f"http://127.0.0.1:{proxy.port}"
        opening = Opening(insecure=True, proxy=Proxy(url, "eve", "pw"))
        async with opened(server.repository(), opening, Authorizations()) as registry:
            assert await registry.digest("v1") == digest
        assert set(proxy.targets) == {server.host}
        opening = Opening(insecure=True, proxy=Proxy(url, "eve", "no"))
        async with opened(server.repository(), opening, Authorizations()) as registry:
            with pytest.raises(OciError):
                await registry.digest("v1")


def test_proxies_of_other_kinds_are_refused() -> None:
    with pytest.raises(InvalidCredentials, match="http or https"):
        Proxy("socks5://127.0.0.1:1080")


async def test_nobody_there() -> None:
    async with opened(Repository("127.0.0.1:1", "a"), Opening(), Authorizations()) as registry:
        with pytest.raises(RegistryUnreachable, match=r"127\.0\.0\.1:1: "):
            await registry.digest("v1")


def test_the_fake_hashes_as_everybody() -> None:
    assert digest_of(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
